"""Files that people save from spreadsheets and portals: their letters, their lines, what is wrong in them."""

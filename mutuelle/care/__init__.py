"""Care: where it is given and by whom, the doctor of a household, care codes, and the answers to doctors."""

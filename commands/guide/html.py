"""A card as one HTML file that asks for nothing else, made to be printed on A5."""

from html import escape

from commands.guide.cards import Card, Row

STYLE = """
@page { size: A5; margin: 10mm }
* { box-sizing: border-box }
body { max-width: 128mm; margin: 0 auto; color: #1d1a16; font: 12pt/1.28 Helvetica, Arial, sans-serif }
h1 { margin: 0 0 4mm; padding: 2.5mm 4mm; border-radius: 2mm; color: #fff; background: #27406b; font-size: 17pt }
h2 { margin: 0 0 1.5mm; color: #8a3518; font-size: 12.5pt }
table { width: 100%; margin: 0 0 4mm; border-collapse: collapse }
td { padding: .8mm 1mm; border-bottom: .2mm solid #d8cdbb; vertical-align: top }
td:first-child { font-weight: bold }
.digits td:first-child { width: 9mm; font-size: 14pt }
.messages td:first-child { width: 60mm }
ul { margin: 0 0 4mm; padding-left: 5mm }
li { margin-bottom: 1mm }
@media screen { body { padding: 4mm } }
footer { padding-top: 2mm; border-top: .4mm solid #27406b; font-size: 10pt }
"""


def page(card: Card) -> str:
    advice = "".join(f"<li>{escape(sentence)}</li>" for sentence in card.advice)
    return f"""<!doctype html>
<html lang="{card.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(card.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(card.title)}</h1>
<h2>{escape(card.call)}</h2>
{_table("digits", card.calls)}
<h2>{escape(card.message)}</h2>
{_table("messages", card.messages)}
<ul>{advice}</ul>
</main>
<footer>{escape(card.foot)}</footer>
</body>
</html>
"""


def _table(name: str, rows: tuple[Row, ...]) -> str:
    cells = "".join(f"<tr><td>{escape(typed)}</td><td>{escape(does)}</td></tr>\n" for typed, does in rows)
    return f'<table class="{name}">\n{cells}</table>'

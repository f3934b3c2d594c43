import xml.etree.ElementTree as ET

from notebooks.lecture import FIGURES, write


def test_figures_and_a_page_for_slides(tmp_path):
    *figures, page = write(tmp_path / "lecture")
    assert [file.stem for file in figures] == [figure.name for figure in FIGURES]
    for file, figure in zip(figures, FIGURES):
        root = ET.parse(file).getroot()
        assert root.tag.endswith("svg")
        title = root.find("{http://www.w3.org/2000/svg}title").text
        assert figure.clip.replace(" ", "_") in title
        assert "query cell" in root.find("{http://www.w3.org/2000/svg}desc").text
        assert root.find("{http://www.w3.org/2000/svg}metadata").text == "Apache-2.0"
        assert (
            (f"y {figure.cell[0]}, x {figure.cell[1]}" in title)
            if figure.cell
            else ("cell" not in title.partition("cells")[2])
        )
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert '<meta name="license" content="Apache-2.0">' in text
    assert len(text) < 3_000_000

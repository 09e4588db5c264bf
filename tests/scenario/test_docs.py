"""Pages that are made from the program are those of this program."""

from program import ROOT, Case, skald


class Docs(Case):
    def test_configuration_page_is_current(self):
        current = (ROOT / "docs" / "configuration.md").read_text() == skald("config", "docs")[1]
        self.assertTrue(current, "make it again: build/skald config docs > docs/configuration.md")

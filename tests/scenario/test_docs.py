"""Pages that are made from the program are those of this program."""

from program import ROOT, Case, skald


class Docs(Case):
    def test_configuration_page_is_current(self):
        self.assertEqual((ROOT / "docs" / "configuration.md").read_text(), skald("config", "docs")[1],
                         "make it again: build/skald config docs > docs/configuration.md")

"""Which server runs what: lines that machines leave, against published releases and the configuration tree."""

"""What is handed over: artefacts, signatures, SBOM, provenance, the release page."""

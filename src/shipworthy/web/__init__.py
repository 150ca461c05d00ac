"""Pages drawn on the server: charts are SVG, nothing is fetched from elsewhere."""

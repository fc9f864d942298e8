"""What the product does; knows no HTTP, no httpx, no pandas, no MLflow."""

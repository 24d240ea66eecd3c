"""What commands print: findings, tables, and the texts of others without control characters."""

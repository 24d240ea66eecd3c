"""What commands print: findings, tables, and strings of others without control characters."""

"""Logs, metrics, traces and the audit log. Lower layers report through callbacks and never import this."""

"""From the text of a document to a result: parameters, documents, limits, execution."""

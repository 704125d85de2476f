"""The merged OpenAPI document: what each app says of itself, and how that becomes one document."""

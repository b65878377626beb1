"""The configuration: checked against the schema, and cut into what each job depends on."""

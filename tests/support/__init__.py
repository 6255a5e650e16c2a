"""What tests share: stand-ins of services, made-up data, lakes built once a run."""

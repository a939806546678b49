"""What `patter ask` asks: options of the command line as records of typed tasks."""

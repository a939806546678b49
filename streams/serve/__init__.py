"""serve: decides every event that asks for copy, a batch at a time."""

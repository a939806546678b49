"""`patter verify`: counts the input log again, in SQL, and compares with what collect published.

It shares no counting code with collect. docs/feedback.md is the law for both; the files in `sql/` are its sentences in
their order.
"""

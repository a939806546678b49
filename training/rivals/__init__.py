"""The subjects that `patter bench generate` compares Patter with, each a process of its own, and the model they share.

`python -m training.rivals prepare ...` makes the model in every form; `python -m training.rivals optimum FOLDER` (or
`transformers`, `ctranslate2`) writes with it and speaks the lines of `schemas.subject`.
"""

"""What only a GPU can show, as one program: `python -m tests.gpu`."""

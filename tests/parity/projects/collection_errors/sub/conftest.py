raise ImportError("conftest of a folder is broken")

"""``python -m fleetest``: the run stays in this process and its forks."""

from fleetest.launch import from_module

if __name__ == "__main__":
    from_module()

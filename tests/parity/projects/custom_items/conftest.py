import pytest


class SpecError(Exception):
    """What is raised when a line does not hold."""


class SpecFile(pytest.File):
    def collect(self):
        text = self.path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines()):
            if line == "!":
                raise SpecError(f"cannot read line {number + 1}")
            name, _, expression = line.partition(":")
            yield SpecItem.from_parent(self, name=name, expression=expression, number=number)


class SpecItem(pytest.Item):
    def __init__(self, *, expression, number, **kwargs):
        super().__init__(**kwargs)
        self.expression = expression.strip()
        self.number = number

    def setup(self):
        self.add_report_section("setup", "spec", f"expression {self.expression}")

    def runtest(self):
        print("evaluating", self.expression)
        if self.expression == "skip":
            pytest.skip("by spec")
        if not eval(self.expression):
            raise SpecError(self.expression)

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, SpecError):
            return f"spec does not hold: {excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, self.number, f"spec: {self.name}"


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".spec":
        return SpecFile.from_parent(parent, path=file_path)
    return None

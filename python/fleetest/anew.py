"""What a run makes anew that goes on from a session which has collected: options, and pytest's own state."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fleetest import options
from fleetest.option_kinds import FREE
from fleetest.plumbing import new_capture_file, put_captured
from fleetest.privates import private
from fleetest.startup_hooks import implementations_of_others

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest


def collects_any_file(config: pytest.Config) -> bool:
    """Whether somebody besides pytest decides what is collected, so that any name in a folder counts."""
    hooks = ("pytest_collect_file", "pytest_collect_directory", "pytest_ignore_collect")
    if any(implementations_of_others(config, hooks)):
        return True
    hidden_too = not {".*", "*"} & {*config.getini("norecursedirs")}
    return hidden_too or bool(getattr(config.option, "doctestglob", None))


class CommandLine:
    """A command line, and the options that it gives."""

    def __init__(self, config: pytest.Config, added: list[str], arguments: Sequence[str]) -> None:
        """Read it.

        :param added: what the environment and the ini file put before it
        """
        self.added = added
        self.arguments = arguments
        self.options = private.parse_all(config, [*added, *arguments])


def apply_options(config: pytest.Config, before: CommandLine, now: Sequence[str]) -> None:
    """Have the options of another command line of the same configuration.

    :param before: the command line for which it was configured
    """
    was = is_now = before.options
    if now != before.arguments:
        is_now = CommandLine(config, before.added, now).options
    reporter = private.terminal(config)
    settings = private.reporter_settings(config, reporter) if reporter is not None else {}
    own = {option.dest for option in options.OPTIONS}
    for name in FREE & is_now.keys():
        # fleetest's own were settled since.
        if name in own or was.get(name) != is_now[name]:
            for namespace in (config.option, config.known_args_namespace):
                setattr(namespace, name, is_now[name])
    private.set_command_line(config, now)
    if was["file_or_dir"] != is_now["file_or_dir"]:
        private.set_arguments(config, is_now["file_or_dir"])
    if reporter is not None:
        private.renew_reporter(reporter, settings, private.reporter_settings(config, reporter))


def renew_capturing(config: pytest.Config) -> None:
    """Capture into files that no other run has."""
    for number, part in private.capture_ends(config):
        if number and private.captures_descriptors(part):
            fd = new_capture_file()
            put_captured(fd, number, part, keep=True)
            os.close(fd)


def renew(config: pytest.Config, reports: Sequence[pytest.CollectReport]) -> None:
    """Have pytest's own plugins begin now.

    :param reports: of what was collected
    """
    private.renew_last_failed(config, reports)
    private.renew_junit(config)

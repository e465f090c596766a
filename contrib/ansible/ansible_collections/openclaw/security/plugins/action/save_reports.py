# -*- coding: utf-8 -*-
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the reports of a play as files on the controller, in one step for all hosts."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import json
import os

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# What the playbook writes beside the hosts' reports.
MERGED = "fleet.*"


def file_name(host):
    """A host's name as a file's name; one that would leave the folder is refused."""
    if host in ("", ".", "..") or "/" in host or "\0" in host:
        raise AnsibleActionFail("the host name %r cannot be a file's name" % host)
    return host + ".json"


def write(path, text):
    """Writes a file that only its owner reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)


class ActionModule(ActionBase):
    """See the module of the same name."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset(("folder", "hosts", "variable"))

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        arguments = self._task.args
        folder = os.path.expanduser(arguments["folder"])
        names = list(arguments["hosts"])
        reports = {}
        for host in names:
            registered = task_vars["hostvars"].get(host, {}).get(arguments["variable"]) or {}
            if registered.get("report"):
                reports[file_name(host)] = registered["report"]
        if not self._task.check_mode:
            self.save(folder, names, reports)
        result.update(changed=False, saved=len(reports))
        return result

    @staticmethod
    def save(folder, names, reports):
        """Earlier reports go first: they must not speak for a host that is silent now."""
        hosts = os.path.join(folder, "hosts")
        try:
            os.makedirs(hosts, mode=0o700, exist_ok=True)
            earlier = glob.glob(os.path.join(glob.escape(hosts), "*.json"))
            for path in earlier + glob.glob(os.path.join(glob.escape(folder), MERGED)):
                os.unlink(path)
            write(os.path.join(folder, "expected"), "".join(name + "\n" for name in names))
            for name, report in reports.items():
                write(os.path.join(hosts, name), json.dumps(report) + "\n")
        except OSError as error:
            raise AnsibleActionFail("cannot save the reports: %s" % error)

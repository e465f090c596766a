#!/usr/bin/python
# -*- coding: utf-8 -*-
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs openclaw-sec on a host and returns its report; findings are data, not a failed task."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: check
short_description: Checks an OpenClaw deployment with openclaw-sec
version_added: "0.1.0"
description:
  - Runs C(openclaw-sec check) on the host and returns the report.
  - Findings are data and do not fail the task. A missing program, a missing env file, a wrong
    argument and a report that cannot be read do.
  - Nothing on the host changes unless O(fix=true).
options:
  env:
    description: The env file on the host. Without it the program looks for C(.env) where it runs.
    type: path
  url:
    description: The live endpoint, asked from the host.
    type: str
  profile:
    description: What the deployment is compared with.
    type: str
    choices: [vps, cloudflare-tunnel, cloudflare-origin, tailscale, telegram]
  name:
    description: The name of the deployment in the report, and so in a merged one.
    type: str
  binary:
    description: The program, as a path on the host or a name on its C(PATH).
    type: str
    default: openclaw-sec
  arguments:
    description: More arguments of C(openclaw-sec check), for example V(["--skip", "live"]).
    type: list
    elements: str
    default: []
  fix:
    description:
      - Mends what is safe and reversible, such as file modes, a C(.gitignore) entry and missing
        hardening variables. It never touches a secret.
    type: bool
    default: false
attributes:
  check_mode:
    description: With O(fix=true) says whether something would be mended, and touches nothing.
    support: full
  diff_mode:
    description: Nothing is shown as a difference.
    support: none
author:
  - The openclaw-sec authors (@openclaw)
"""

EXAMPLES = r"""
- name: Check the bot of this host
  openclaw.security.check:
    env: /etc/openclaw/.env
    url: https://bot.example
  register: checked

- name: Stop where something of high severity or worse is open
  ansible.builtin.assert:
    that: checked.report.summary.worst not in ["high", "critical"]

- name: Mend what is safe to mend
  openclaw.security.check:
    env: /etc/openclaw/.env
    fix: true
"""

RETURN = r"""
exit_code:
  description:
    - The exit code of the program. 0 nothing wrong, 1 something is wrong, 3 something could not be
      determined. It is not called C(rc), which would mark the task as failed.
  returned: always, unless the program could not be started
  type: int
  sample: 1
report:
  description: The report, a document of the schema C(openclaw-sec/check/1).
  returned: when the check ran
  type: dict
"""

import json

from ansible.module_utils.basic import AnsibleModule

# The exit codes with a report behind them: all well, something found, something unknown.
REPORTED = (0, 1, 3)


def command(module, fix):
    """The command line; a value of a host's variable can never become a flag of its own."""
    parameters = module.params
    words = [parameters["binary"], "check", "--no-input", "--color", "never", "--format", "json"]
    for flag in ("env", "url", "profile"):
        if parameters[flag] is not None:
            words.append("--%s=%s" % (flag, parameters[flag]))
    if fix:
        words += ["--fix", "--yes"]
    return words + parameters["arguments"]


def run(module, fix=False):
    """One run: its exit code and its report, or the end of the task with what went wrong."""
    binary = module.params["binary"]
    if "/" not in binary and module.get_bin_path(binary) is None:
        module.fail_json(
            msg="%s is not installed on this host: install it (the role openclaw.security.agent "
            "does) or name its path in `binary`" % binary
        )
    code, out, err = module.run_command(
        command(module, fix), environ_update={"LC_ALL": "C.UTF-8"}, handle_exceptions=False
    )
    if code not in REPORTED:
        message = err.strip() or "it ended with exit code %d and said nothing" % code
        module.fail_json(msg="openclaw-sec check: %s" % message, exit_code=code)
    try:
        report = json.loads(out)
    except ValueError:
        report = None
    if not isinstance(report, dict) or report.get("schema") != "openclaw-sec/check/1":
        module.fail_json(
            msg="%s printed no report of the schema openclaw-sec/check/1: is it openclaw-sec, and "
            "do the arguments leave the format alone?" % binary,
            exit_code=code,
        )
    return code, report


def mendable(report):
    """What `--fix` can mend, by fingerprint."""
    return set(
        result["fingerprint"]
        for result in report["results"]
        if result["status"] == "fail" and result["fixable"]
    )


def main():
    module = AnsibleModule(
        argument_spec=dict(
            env=dict(type="path"),
            url=dict(type="str"),
            profile=dict(
                type="str",
                choices=["vps", "cloudflare-tunnel", "cloudflare-origin", "tailscale", "telegram"],
            ),
            name=dict(type="str"),
            binary=dict(type="str", default="openclaw-sec"),
            arguments=dict(type="list", elements="str", default=[]),
            fix=dict(type="bool", default=False),
        ),
        supports_check_mode=True,
    )
    try:
        code, report = run(module)
        changed = False
        if module.params["fix"]:
            before = mendable(report)
            if before and not module.check_mode:
                code, report = run(module, fix=True)
                changed = mendable(report) != before
            else:
                changed = bool(before)
    except (IOError, OSError) as error:
        module.fail_json(
            msg="%s cannot be started on this host: %s" % (module.params["binary"], error)
        )
    if module.params["name"] is not None:
        report["target"]["name"] = module.params["name"]
    module.exit_json(changed=changed, exit_code=code, report=report)


if __name__ == "__main__":
    main()

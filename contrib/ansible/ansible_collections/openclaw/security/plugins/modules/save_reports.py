#!/usr/bin/python
# -*- coding: utf-8 -*-
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The documentation of an action that runs on the controller; see plugins/action."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
---
module: save_reports
short_description: Writes the reports of a play as files on the controller
version_added: "0.1.0"
description:
  - Empties a folder of earlier reports and writes one file for each host that has one, and a file
    with the names of all hosts. What was reported yesterday never speaks for a host that is dead
    today.
  - It runs on the controller in one step for all hosts, and is never V(changed).
options:
  folder:
    description: The folder. The reports go into C(hosts/NAME.json), the names into C(expected).
    type: path
    required: true
  hosts:
    description: The names of all hosts that were asked.
    type: list
    elements: str
    required: true
  variable:
    description: The variable in which each host registered the result of M(openclaw.security.check).
    type: str
    required: true
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown as a difference.
    support: none
author:
  - The openclaw-sec authors (@openclaw)
"""

EXAMPLES = r"""
- name: Keep the reports on the controller
  openclaw.security.save_reports:
    folder: /var/lib/openclaw-fleet
    hosts: "{{ query('inventory_hostnames', 'all') }}"
    variable: openclaw_security_result
"""

RETURN = r"""
saved:
  description: How many reports were written, or would be.
  returned: always
  type: int
"""

//! The role of the Ansible collection, on a machine that runs systemd.

use crate::package::package;
use crate::support::{hardened_env, installed, tool};
use crate::throwaway::Machine;

const PLAY: &str = r"
- hosts: localhost
  connection: local
  gather_facts: false
  roles:
    - role: openclaw.security.agent
      agent_deb: /package.deb
      agent_env: /srv/bot/.env
      agent_config: |
        [check]
        skip = ['host']
";

const SCRIPT: &str = r#"
export HOME=/root LC_ALL=C.UTF-8 ANSIBLE_NOCOLOR=1 ANSIBLE_COLLECTIONS_PATH=/checkout/contrib/ansible
play() {
    "$ansible" -i localhost, -e ansible_python_interpreter=/usr/bin/python3 /play.yml >/out 2>&1 ||
        { cat /out >&2; exit 1; }
    sed -n 's/^localhost .*\(changed=[0-9]*\) .*\(failed=[0-9]*\) .*/\1 \2/p' /out
}
play
play
systemctl is-active openclaw-sec-check.timer
systemctl start openclaw-sec-check.service || systemctl status openclaw-sec-check.service >&2
grep -c 'target="/srv/bot/.env"' /var/lib/prometheus/node-exporter/openclaw-security.prom
"#;

#[test]
fn the_role_installs_schedules_and_changes_nothing_the_second_time() {
    needs_a_throwaway!();
    let Some(ansible) = tool("ansible-playbook") else {
        return;
    };
    if installed("systemd-nspawn", "systemd-container").is_none() {
        return;
    }
    let machine = Machine::new()
        .checkout("contrib", "/checkout")
        .copy(package(), "/package.deb", 0o644)
        .put("/etc/dpkg/dpkg.cfg.d/no-triggers", "no-triggers\n", 0o644)
        .put("/srv/bot/.env", hardened_env(), 0o600)
        .put("/play.yml", PLAY, 0o644);
    let script = format!("ansible='{}'\n{SCRIPT}", ansible.display());
    let Some(ended) = machine.boot(&script) else {
        return;
    };
    let said = ended.succeeded().stdout;
    let lines: Vec<&str> = said.lines().collect();
    let [first, second, timer, metrics] = lines[..] else {
        panic!("{said}");
    };
    assert!(
        first.ends_with("failed=0") && !first.starts_with("changed=0 "),
        "{said}"
    );
    assert_eq!(second, "changed=0 failed=0");
    assert_eq!(timer, "active");
    assert!(
        metrics.parse::<u32>().is_ok_and(|count| count > 10),
        "{said}"
    );
}

# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_openclaw_sec_global_optspecs
    string join \n color= q/quiet v/verbose config= state-dir= no-input h/help V/version
end

function __fish_openclaw_sec_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_openclaw_sec_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_openclaw_sec_using_subcommand
    set -l cmd (__fish_openclaw_sec_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "keygen" -d 'Make a key from the system\'s random generator'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "check" -d 'Compare a deployment with the security checklist, by evidence'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "rotate" -d 'Replace a provider\'s key in four verified steps'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "firewall" -d 'Print firewall rules that are safe to pipe into sh'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "audit-tail" -d 'Follow, explain and seal the audit log'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l bytes -d 'Random bytes in each key, 16 to 4096' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l encoding -d 'How the bytes are written; base64url is without padding, hex in lower case' -r -f -a "base64\t''
base64url\t''
hex\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l count -d 'How many keys, 1 to 100000, one to a line' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l prefix -d 'Make an identifiable token: TEXT_, a base62 body, six digits of checksum' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l output -d 'Create this file, readable by you alone; never overwrites' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l env -d 'Write the key into this env file; every other byte stays as it is' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l name -d 'The variable to set in the env file' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -l replace -d 'Replace a value that is already set and no placeholder'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand keygen" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l env -d 'The env file; `-` reads stdin [default: .env]' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l url -d 'The live endpoint, such as https://bot.example' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l profile -d 'How the bot is meant to be reached: vps, cloudflare-tunnel, cloudflare-origin, tailscale, telegram' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l code -d 'The source tree to search for keys [default: the git work tree that holds the env file]' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l rules -d 'More rules, in the form of gitleaks\' TOML; may be repeated' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l compare-env -d 'An env file of another environment, which must not share secrets; may be repeated' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l openclaw-config -d 'Upstream\'s openclaw.json' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l format -d 'How to print the report; may be repeated, each with its --output [default: human]' -r -f -a "human\t''
json\t''
sarif\t''
junit\t''
github\t''
gitlab\t''
markdown\t''
html\t''
prometheus\t''
ocsf\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l output -d 'Where the report of the --format before it goes; `-` is stdout' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l fail-on -d 'The mildest failure that makes the exit code 1' -r -f -a "low\t''
medium\t''
high\t''
critical\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l baseline -d 'Accept what this earlier JSON report already shows as failed' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l only -d 'Only this check, item (secrets, auth, …) or kind (declared, live, host, code); may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l skip -d 'Everything but this check, item or kind; may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l targets -d 'Ask the deployments of this list, each a [[target]] with name, env, url and profile' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l jobs -d 'How many deployments are asked at the same time, 1 to 256' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l merge -d 'Join JSON reports that were written elsewhere: files, or folders of *.json; may be repeated' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l expect -d 'The names that --merge must find, one per line; one without a report is unknown' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l max-age -d 'For --merge: an older report counts as unknown; such as 36h, 4d or 90m' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l explain -d 'Explain one check and leave' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l connect-to -d 'Connect here instead of to the URL\'s host' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l ca-file -d 'Trust this root certificate as well' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l key-name -d 'The variable whose value the endpoint should accept [default: WEB_API_KEY, OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l auth-path -d 'A path that needs a key; may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l auth-scheme -d 'How the key is sent: bearer, x-api-key or header=NAME' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l burst-path -d 'The path for the burst of --active [default: the first protected path]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l timeout -d 'Seconds the whole live half may take' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l history -d 'Search everything that a ref of the repository reaches, too'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l unreachable -d 'Search the history and what nothing points to any more, until git clears it away'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l staged -d 'Search what the next commit would bring instead of the tree: for a pre-commit hook'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l list -d 'Show the chosen checks, all by default, and leave'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l fix -d 'Mend what is safe to mend: file modes and owner, .gitignore, missing variables (asks first)'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l yes -d 'Answer yes to what --fix asks'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l active -d 'Allow probes that a limiter or a lock-out may notice'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -f -a "status" -d 'Say what is unfinished'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -f -a "resume" -d 'Finish what a wait or a crash left'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -f -a "abort" -d 'Put the old key back'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -f -a "due" -d 'Say which keys have come of age'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -f -a "providers" -d 'List the providers and what is known about them'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and not __fish_seen_subcommand_from status resume abort due providers schedule" -f -a "schedule" -d 'Print a systemd timer and a cron line that remind'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from resume" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from abort" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l max-age -d 'Days after which a key must be replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l warn -d 'Days before that to be warned' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from due" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from providers" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l every -d 'Days after which a key must be replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l name -d 'The variable whose key is replaced' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l provider -d 'The provider, where the variable does not tell; see `rotate providers`' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l env -d 'The env file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l new-key-file -d 'Read the new key from this file; `-` is stdin' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l new-key-env -d 'Read the new key from this environment variable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l restart -d 'Restart OpenClaw by this command; it is run without a shell' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l restart-unit -d 'Restart this systemd unit' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l restart-compose -d 'Make this docker compose service anew' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l compose-file -d 'The compose file of that service' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l health -d 'Wait until this address answers with 2xx' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l health-timeout -d 'Seconds to wait for --health [default: 120]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l revoke -d 'Who revokes the old key: the provider\'s API, or you in its console [default: manual]' -r -f -a "auto\t''
manual\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l admin-key-env -d 'The environment variable with the provider\'s admin key' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l provider-url -d 'Send the provider\'s requests here: https, or http to this machine' -r -f
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l format -d 'How the final state is printed' -r -f -a "human\t''
json\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l user -d 'The unit belongs to the user\'s own systemd'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l no-restart -d 'Somebody else restarts OpenClaw'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l restarted -d 'With resume: OpenClaw was restarted by hand since the env file was changed'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l dry-run -d 'Check everything that can be checked, change nothing'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -l yes -d 'Agree to what is asked; what you do by hand is still waited for. With resume it also says that an old key is revoked about which nobody can be asked'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate; and __fish_seen_subcommand_from schedule" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l profile -d 'How the machine is reached: vps, cloudflare-origin, cloudflare-tunnel, tailscale or telegram' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l format -d 'sh, iptables, ip6tables, nft, json or plain; human or json for verify and explain' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l ssh-port -d 'The port of ssh; repeatable [default: 22]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l ssh-from -d 'Let ssh in from this network only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l allow -d 'Open one more port; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l private-port -d 'Open a TCP port on tailscale0 only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l trust-interface -d 'Let everything in on this interface; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l block-list -d 'Drop every connection from the networks in this file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l cloudflare-ips -d 'Cloudflare\'s networks, one a line or as its API prints them, instead of the built-in ones' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l rollback -d 'Take the change back after S seconds without a confirmation, 0 for never [default: 60 where a terminal is, else never]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l hook -d 'prerouting, which guards container ports too, or input' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l env -d 'Warn about what does not fit this env file; adds no rule' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l no-ssh -d 'Let no ssh in at all'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -l persist -d 'Bring the rules back after every reboot'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -f -a "verify" -d 'Compare the live rules with what the options would print'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -f -a "explain" -d 'Say what happens to a packet and which rule decides, without looking at this host'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and not __fish_seen_subcommand_from verify explain off" -f -a "off" -d 'Print a script that takes away our rules and nothing else'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l profile -d 'How the machine is reached: vps, cloudflare-origin, cloudflare-tunnel, tailscale or telegram' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l format -d 'sh, iptables, ip6tables, nft, json or plain; human or json for verify and explain' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l ssh-port -d 'The port of ssh; repeatable [default: 22]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l ssh-from -d 'Let ssh in from this network only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l allow -d 'Open one more port; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l private-port -d 'Open a TCP port on tailscale0 only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l trust-interface -d 'Let everything in on this interface; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l block-list -d 'Drop every connection from the networks in this file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l cloudflare-ips -d 'Cloudflare\'s networks, one a line or as its API prints them, instead of the built-in ones' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l rollback -d 'Take the change back after S seconds without a confirmation, 0 for never [default: 60 where a terminal is, else never]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l hook -d 'prerouting, which guards container ports too, or input' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l env -d 'Warn about what does not fit this env file; adds no rule' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l no-ssh -d 'Let no ssh in at all'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -l persist -d 'Bring the rules back after every reboot'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l proto -d 'tcp, udp, icmp, icmpv6 or a protocol number' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l port -d 'The port it goes to; for ICMP the type' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l from -d 'The address it comes from' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l iface -d 'The interface it comes in on [default: a public one]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l profile -d 'How the machine is reached: vps, cloudflare-origin, cloudflare-tunnel, tailscale or telegram' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l format -d 'sh, iptables, ip6tables, nft, json or plain; human or json for verify and explain' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l ssh-port -d 'The port of ssh; repeatable [default: 22]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l ssh-from -d 'Let ssh in from this network only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l allow -d 'Open one more port; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l private-port -d 'Open a TCP port on tailscale0 only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l trust-interface -d 'Let everything in on this interface; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l block-list -d 'Drop every connection from the networks in this file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l cloudflare-ips -d 'Cloudflare\'s networks, one a line or as its API prints them, instead of the built-in ones' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l rollback -d 'Take the change back after S seconds without a confirmation, 0 for never [default: 60 where a terminal is, else never]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l hook -d 'prerouting, which guards container ports too, or input' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l env -d 'Warn about what does not fit this env file; adds no rule' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l no-ssh -d 'Let no ssh in at all'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -l persist -d 'Bring the rules back after every reboot'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from explain" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l profile -d 'How the machine is reached: vps, cloudflare-origin, cloudflare-tunnel, tailscale or telegram' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l format -d 'sh, iptables, ip6tables, nft, json or plain; human or json for verify and explain' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l ssh-port -d 'The port of ssh; repeatable [default: 22]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l ssh-from -d 'Let ssh in from this network only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l allow -d 'Open one more port; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l private-port -d 'Open a TCP port on tailscale0 only; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l trust-interface -d 'Let everything in on this interface; repeatable' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l block-list -d 'Drop every connection from the networks in this file' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l cloudflare-ips -d 'Cloudflare\'s networks, one a line or as its API prints them, instead of the built-in ones' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l rollback -d 'Take the change back after S seconds without a confirmation, 0 for never [default: 60 where a terminal is, else never]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l hook -d 'prerouting, which guards container ports too, or input' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l env -d 'Warn about what does not fit this env file; adds no rule' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l no-ssh -d 'Let no ssh in at all'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -l persist -d 'Bring the rules back after every reboot'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall; and __fish_seen_subcommand_from off" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l env -d 'The env file: its secrets are replaced by fingerprints, its proxies are trusted' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -s n -d 'Show the last N events that pass the filters; with --since, of rotated files too' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l since -d 'From this time on, rotated files included' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l until -d 'Up to this time' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l kind -d 'Only this kind: auth, rate-limit, access, error or other; may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l outcome -d 'Only this outcome: success or failure' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l user -d 'Only this user, exactly; may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l ip -d 'Only this address or network; may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l level -d 'This level or worse: trace, debug, info, warn, error, fatal' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l grep -d 'Only lines that match this regular expression' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l format -d 'How events are printed: human, json, ocsf or raw' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l top -d 'Rows in each table of --stats' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l timezone -d 'Show times in this zone, such as Europe/Berlin [default: this machine\'s]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l alert-exec -d 'Run this for each alert, with its JSON on stdin; no shell is used (implies --detect)' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l all -d 'Read the whole current file'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l follow -d 'Go on with what is written from now on'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l no-follow -d 'Read to the end and stop'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l stats -d 'Count instead of showing events'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l utc -d 'Show times in UTC'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l detect -d 'Look for attacks'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l alerts-only -d 'Show alerts and no events (implies --detect)'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -l fail-on-alert -d 'End with 1 when there was an alert (implies --detect)'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -a "seal" -d 'Sign what the log holds now, in FILE.seal'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and not __fish_seen_subcommand_from seal verify" -a "verify" -d 'Prove that the sealed part of the log is unchanged, or name the first changed line'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from seal" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -l format -d 'How the verdict is printed: human or json' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'

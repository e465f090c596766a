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
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "rotate" -d 'Replace a key in four verified steps (not built yet)'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "firewall" -d 'Print firewall rules that are safe to pipe into sh (not built yet)'
complete -c openclaw-sec -n "__fish_openclaw_sec_needs_command" -f -a "audit-tail" -d 'Follow, explain and seal the audit log (not built yet)'
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
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l format -d 'How to print the report: human, json or markdown; may be repeated, each with its --output [default: human]' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l output -d 'Where the report of the --format before it goes; `-` is stdout' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l fail-on -d 'The mildest failure that makes the exit code 1' -r -f -a "low\t''
medium\t''
high\t''
critical\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l baseline -d 'Accept what this earlier JSON report already shows as failed' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l only -d 'Only this check, item (secrets, auth, …) or kind (declared, live, host, code); may be repeated' -r
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l skip -d 'Everything but this check, item or kind; may be repeated' -r
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
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l staged -d 'Search what the next commit would bring instead of the tree: for a pre-commit hook'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l list -d 'Show all checks and leave'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l fix -d 'Mend what is safe to mend: file modes, .gitignore, missing variables (asks first)'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l yes -d 'Answer yes to what --fix asks'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -l active -d 'Allow probes that a limiter or a lock-out may notice'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand check" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand rotate" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand firewall" -s V -l version -d 'Print version'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -l color -d 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM' -r -f -a "auto\t''
always\t''
never\t''"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -l config -d 'Read this configuration instead of ./openclaw-sec.toml' -r -F
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -l state-dir -d 'Where salt, journals and ledgers are kept' -r -f -a "(__fish_complete_directories)"
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -s q -l quiet -d 'Say only what went wrong'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -s v -l verbose -d 'Say more; repeat it for still more'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -l no-input -d 'Never ask; a missing answer is an error that names the flag for it'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -s h -l help -d 'Print help'
complete -c openclaw-sec -n "__fish_openclaw_sec_using_subcommand audit-tail" -s V -l version -d 'Print version'

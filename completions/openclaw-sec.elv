
use builtin;
use str;

set edit:completion:arg-completer[openclaw-sec] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'openclaw-sec'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'openclaw-sec'= {
            cand --color 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM'
            cand --config 'Read this configuration instead of ./openclaw-sec.toml'
            cand --state-dir 'Where salt, journals and ledgers are kept'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -v 'Say more; repeat it for still more'
            cand --verbose 'Say more; repeat it for still more'
            cand --no-input 'Never ask; a missing answer is an error that names the flag for it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand keygen 'Make a key from the system''s random generator'
            cand check 'Compare a deployment with the security checklist, by evidence'
            cand rotate 'Replace a key in four verified steps (not built yet)'
            cand firewall 'Print firewall rules that are safe to pipe into sh (not built yet)'
            cand audit-tail 'Follow, explain and seal the audit log (not built yet)'
        }
        &'openclaw-sec;keygen'= {
            cand --color 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM'
            cand --config 'Read this configuration instead of ./openclaw-sec.toml'
            cand --state-dir 'Where salt, journals and ledgers are kept'
            cand --bytes 'Random bytes in each key, 16 to 4096'
            cand --encoding 'How the bytes are written; base64url is without padding, hex in lower case'
            cand --count 'How many keys, 1 to 100000, one to a line'
            cand --prefix 'Make an identifiable token: TEXT_, a base62 body, six digits of checksum'
            cand --output 'Create this file, readable by you alone; never overwrites'
            cand --env 'Write the key into this env file; every other byte stays as it is'
            cand --name 'The variable to set in the env file'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -v 'Say more; repeat it for still more'
            cand --verbose 'Say more; repeat it for still more'
            cand --no-input 'Never ask; a missing answer is an error that names the flag for it'
            cand --replace 'Replace a value that is already set and no placeholder'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'openclaw-sec;check'= {
            cand --color 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM'
            cand --config 'Read this configuration instead of ./openclaw-sec.toml'
            cand --state-dir 'Where salt, journals and ledgers are kept'
            cand --env 'The env file; `-` reads stdin [default: .env]'
            cand --url 'The live endpoint, such as https://bot.example'
            cand --profile 'How the bot is meant to be reached: vps, cloudflare-tunnel, cloudflare-origin, tailscale, telegram'
            cand --code 'The source tree to search for keys [default: the git work tree that holds the env file]'
            cand --rules 'More rules, in the form of gitleaks'' TOML; may be repeated'
            cand --compare-env 'An env file of another environment, which must not share secrets; may be repeated'
            cand --openclaw-config 'Upstream''s openclaw.json'
            cand --format 'How to print the report: human, json or markdown; may be repeated, each with its --output [default: human]'
            cand --output 'Where the report of the --format before it goes; `-` is stdout'
            cand --fail-on 'The mildest failure that makes the exit code 1'
            cand --baseline 'Accept what this earlier JSON report already shows as failed'
            cand --only 'Only this check, item (secrets, auth, …) or kind (declared, live, host, code); may be repeated'
            cand --skip 'Everything but this check, item or kind; may be repeated'
            cand --explain 'Explain one check and leave'
            cand --connect-to 'Connect here instead of to the URL''s host'
            cand --ca-file 'Trust this root certificate as well'
            cand --key-name 'The variable whose value the endpoint should accept [default: WEB_API_KEY, OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD]'
            cand --auth-path 'A path that needs a key; may be repeated'
            cand --auth-scheme 'How the key is sent: bearer, x-api-key or header=NAME'
            cand --burst-path 'The path for the burst of --active [default: the first protected path]'
            cand --timeout 'Seconds the whole live half may take'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -v 'Say more; repeat it for still more'
            cand --verbose 'Say more; repeat it for still more'
            cand --no-input 'Never ask; a missing answer is an error that names the flag for it'
            cand --history 'Search everything that a ref of the repository reaches, too'
            cand --staged 'Search what the next commit would bring instead of the tree: for a pre-commit hook'
            cand --list 'Show all checks and leave'
            cand --fix 'Mend what is safe to mend: file modes, .gitignore, missing variables (asks first)'
            cand --yes 'Answer yes to what --fix asks'
            cand --active 'Allow probes that a limiter or a lock-out may notice'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'openclaw-sec;rotate'= {
            cand --color 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM'
            cand --config 'Read this configuration instead of ./openclaw-sec.toml'
            cand --state-dir 'Where salt, journals and ledgers are kept'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -v 'Say more; repeat it for still more'
            cand --verbose 'Say more; repeat it for still more'
            cand --no-input 'Never ask; a missing answer is an error that names the flag for it'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'openclaw-sec;firewall'= {
            cand --color 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM'
            cand --config 'Read this configuration instead of ./openclaw-sec.toml'
            cand --state-dir 'Where salt, journals and ledgers are kept'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -v 'Say more; repeat it for still more'
            cand --verbose 'Say more; repeat it for still more'
            cand --no-input 'Never ask; a missing answer is an error that names the flag for it'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
        &'openclaw-sec;audit-tail'= {
            cand --color 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM'
            cand --config 'Read this configuration instead of ./openclaw-sec.toml'
            cand --state-dir 'Where salt, journals and ledgers are kept'
            cand -q 'Say only what went wrong'
            cand --quiet 'Say only what went wrong'
            cand -v 'Say more; repeat it for still more'
            cand --verbose 'Say more; repeat it for still more'
            cand --no-input 'Never ask; a missing answer is an error that names the flag for it'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
    ]
    $completions[$command]
}

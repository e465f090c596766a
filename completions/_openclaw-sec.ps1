
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'openclaw-sec' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'openclaw-sec'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'openclaw-sec' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of ./openclaw-sec.toml')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where salt, journals and ledgers are kept')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask; a missing answer is an error that names the flag for it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('keygen', 'keygen', [CompletionResultType]::ParameterValue, 'Make a key from the system''s random generator')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Compare a deployment with the security checklist, by evidence')
            [CompletionResult]::new('rotate', 'rotate', [CompletionResultType]::ParameterValue, 'Replace a key in four verified steps (not built yet)')
            [CompletionResult]::new('firewall', 'firewall', [CompletionResultType]::ParameterValue, 'Print firewall rules that are safe to pipe into sh (not built yet)')
            [CompletionResult]::new('audit-tail', 'audit-tail', [CompletionResultType]::ParameterValue, 'Follow, explain and seal the audit log (not built yet)')
            break
        }
        'openclaw-sec;keygen' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of ./openclaw-sec.toml')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where salt, journals and ledgers are kept')
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Random bytes in each key, 16 to 4096')
            [CompletionResult]::new('--encoding', '--encoding', [CompletionResultType]::ParameterName, 'How the bytes are written; base64url is without padding, hex in lower case')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'How many keys, 1 to 100000, one to a line')
            [CompletionResult]::new('--prefix', '--prefix', [CompletionResultType]::ParameterName, 'Make an identifiable token: TEXT_, a base62 body, six digits of checksum')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Create this file, readable by you alone; never overwrites')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'Write the key into this env file; every other byte stays as it is')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'The variable to set in the env file')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask; a missing answer is an error that names the flag for it')
            [CompletionResult]::new('--replace', '--replace', [CompletionResultType]::ParameterName, 'Replace a value that is already set and no placeholder')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'openclaw-sec;check' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of ./openclaw-sec.toml')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where salt, journals and ledgers are kept')
            [CompletionResult]::new('--env', '--env', [CompletionResultType]::ParameterName, 'The env file; `-` reads stdin [default: .env]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The live endpoint, such as https://bot.example')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'How the bot is meant to be reached: vps, cloudflare-tunnel, cloudflare-origin, tailscale, telegram')
            [CompletionResult]::new('--code', '--code', [CompletionResultType]::ParameterName, 'The source tree to search for keys [default: the git work tree that holds the env file]')
            [CompletionResult]::new('--rules', '--rules', [CompletionResultType]::ParameterName, 'More rules, in the form of gitleaks'' TOML; may be repeated')
            [CompletionResult]::new('--compare-env', '--compare-env', [CompletionResultType]::ParameterName, 'An env file of another environment, which must not share secrets; may be repeated')
            [CompletionResult]::new('--openclaw-config', '--openclaw-config', [CompletionResultType]::ParameterName, 'Upstream''s openclaw.json')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'How to print the report: human, json or markdown; may be repeated, each with its --output [default: human]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Where the report of the --format before it goes; `-` is stdout')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'The mildest failure that makes the exit code 1')
            [CompletionResult]::new('--baseline', '--baseline', [CompletionResultType]::ParameterName, 'Accept what this earlier JSON report already shows as failed')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Only this check, item (secrets, auth, …) or kind (declared, live, host, code); may be repeated')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Everything but this check, item or kind; may be repeated')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Explain one check and leave')
            [CompletionResult]::new('--connect-to', '--connect-to', [CompletionResultType]::ParameterName, 'Connect here instead of to the URL''s host')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Trust this root certificate as well')
            [CompletionResult]::new('--key-name', '--key-name', [CompletionResultType]::ParameterName, 'The variable whose value the endpoint should accept [default: WEB_API_KEY, OPENCLAW_GATEWAY_TOKEN or OPENCLAW_GATEWAY_PASSWORD]')
            [CompletionResult]::new('--auth-path', '--auth-path', [CompletionResultType]::ParameterName, 'A path that needs a key; may be repeated')
            [CompletionResult]::new('--auth-scheme', '--auth-scheme', [CompletionResultType]::ParameterName, 'How the key is sent: bearer, x-api-key or header=NAME')
            [CompletionResult]::new('--burst-path', '--burst-path', [CompletionResultType]::ParameterName, 'The path for the burst of --active [default: the first protected path]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Seconds the whole live half may take')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask; a missing answer is an error that names the flag for it')
            [CompletionResult]::new('--history', '--history', [CompletionResultType]::ParameterName, 'Search everything that a ref of the repository reaches, too')
            [CompletionResult]::new('--staged', '--staged', [CompletionResultType]::ParameterName, 'Search what the next commit would bring instead of the tree: for a pre-commit hook')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Show all checks and leave')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Mend what is safe to mend: file modes, .gitignore, missing variables (asks first)')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Answer yes to what --fix asks')
            [CompletionResult]::new('--active', '--active', [CompletionResultType]::ParameterName, 'Allow probes that a limiter or a lock-out may notice')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'openclaw-sec;rotate' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of ./openclaw-sec.toml')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where salt, journals and ledgers are kept')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask; a missing answer is an error that names the flag for it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'openclaw-sec;firewall' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of ./openclaw-sec.toml')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where salt, journals and ledgers are kept')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask; a missing answer is an error that names the flag for it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
        'openclaw-sec;audit-tail' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour; by default each stream is looked at, and NO_COLOR, CLICOLOR_FORCE, TERM')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this configuration instead of ./openclaw-sec.toml')
            [CompletionResult]::new('--state-dir', '--state-dir', [CompletionResultType]::ParameterName, 'Where salt, journals and ledgers are kept')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say only what went wrong')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; repeat it for still more')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask; a missing answer is an error that names the flag for it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}

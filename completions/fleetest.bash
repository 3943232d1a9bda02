# bash completion for fleetest: its own options, pytest's common ones, files.

_fleetest() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    # "=" breaks words: --dist=lo is three of them.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    local options='
        -n --numprocesses --maxprocesses --dist --max-worker-restart --start-method --ordered
        -d --tx --maxschedchunk --loadscope-reorder --no-loadscope-reorder --testrunuid --wide
        --python --cold --no-daemon --daemon-idle-timeout --daemon-memory --version --help -h
        -k -m -x -s -l -v -q -r -p -c -o -V
        --markers --exitfirst --maxfail --strict-config --strict-markers --fixtures
        --fixtures-per-test --pdb --pdbcls --trace --capture --runxfail --last-failed --lf
        --failed-first --ff --new-first --nf --cache-show --cache-clear --last-failed-no-failures
        --lfnf --stepwise --sw --stepwise-skip --sw-skip
        --durations --durations-min --verbose --no-header --no-summary --quiet --verbosity
        --disable-warnings --disable-pytest-warnings --showlocals --no-showlocals --tb
        --show-capture --full-trace --color --code-highlight --pastebin --junit-xml --junitxml
        --junit-prefix --junitprefix --pythonwarnings -W --config-file
        --continue-on-collection-errors --rootdir --collect-only --co --pyargs --ignore
        --ignore-glob --deselect --confcutdir --noconftest --keep-duplicates
        --collect-in-virtualenv --import-mode --doctest-modules --doctest-report --doctest-glob
        --doctest-ignore-import-errors --doctest-continue-on-failure --basetemp --trace-config
        --debug --override-ini --assert --setup-only --setup-show --setup-plan --log-level
        --log-format --log-date-format --log-cli-level --log-cli-format --log-cli-date-format
        --log-file --log-file-mode --log-file-level --log-file-format --log-file-date-format
        --log-auto-indent --log-disable'

    COMPREPLY=()
    if [[ ${COMP_WORDS[1]} == daemon && COMP_CWORD -ge 2 && $prev != --python ]]; then
        local words='--python --foreground --idle-timeout --memory --renew-after --snapshots --ahead --json'
        ((COMP_CWORD == 2)) && words='start stop restart status explain logs cleanup --help'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    case $prev in
    -n | --numprocesses) mapfile -t COMPREPLY < <(compgen -W "auto logical 0 1 2 4 8" -- "$cur") ;;
    --dist) mapfile -t COMPREPLY < <(compgen -W "load loadscope loadfile loadgroup worksteal each no" -- "$cur") ;;
    --start-method) mapfile -t COMPREPLY < <(compgen -W "auto conftests configure fork spawn" -- "$cur") ;;
    --tb) mapfile -t COMPREPLY < <(compgen -W "auto long short line native no" -- "$cur") ;;
    --capture) mapfile -t COMPREPLY < <(compgen -W "fd sys no tee-sys" -- "$cur") ;;
    --show-capture) mapfile -t COMPREPLY < <(compgen -W "no stdout stderr log all" -- "$cur") ;;
    --color) mapfile -t COMPREPLY < <(compgen -W "yes no auto" -- "$cur") ;;
    --code-highlight) mapfile -t COMPREPLY < <(compgen -W "yes no" -- "$cur") ;;
    --import-mode) mapfile -t COMPREPLY < <(compgen -W "prepend append importlib" -- "$cur") ;;
    --assert) mapfile -t COMPREPLY < <(compgen -W "plain rewrite" -- "$cur") ;;
    --lfnf | --last-failed-no-failures) mapfile -t COMPREPLY < <(compgen -W "all none" -- "$cur") ;;
    --log-file-mode) mapfile -t COMPREPLY < <(compgen -W "w a" -- "$cur") ;;
    --pastebin) mapfile -t COMPREPLY < <(compgen -W "failed all" -- "$cur") ;;
    --doctest-report) mapfile -t COMPREPLY < <(compgen -W "none cdiff ndiff udiff only_first_failure" -- "$cur") ;;
    --log-level | --log-cli-level | --log-file-level)
        mapfile -t COMPREPLY < <(compgen -W "DEBUG INFO WARNING ERROR CRITICAL" -- "$cur")
        ;;
    --python)
        # A command on PATH, or a file.
        mapfile -t COMPREPLY < <(compgen -c -X '!python*' -- "$cur"; compgen -f -- "$cur")
        compopt -o filenames 2>/dev/null
        ;;
    --rootdir | --confcutdir | --basetemp)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        compopt -o filenames 2>/dev/null
        ;;
    --maxprocesses | --daemon-idle-timeout | --daemon-memory | --max-worker-restart | --maxschedchunk | --testrunuid | --tx | -k | -m | -p | -o | -r | --maxfail | --durations) ;;
    *)
        if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            compopt -o filenames 2>/dev/null
        fi
        ;;
    esac
}

complete -F _fleetest fleetest

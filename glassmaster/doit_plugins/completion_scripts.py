"""Completion scripts as text. The shells find tasks by `PROGRAM list`, with the program as it is being typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassmaster.doit_plugins.completion import Grammar, Word

BASH = """\
# bash completion for @PROGRAM@
_@PROGRAM@_completion() {
    local current=${COMP_WORDS[COMP_CWORD]} line command word words
    # COMP_WORDS is split at : and =, which are parts of our words.
    line=${COMP_LINE:0:COMP_POINT}
    current=${line##*[[:space:]]}
    command=
    for word in $line; do
        case $word in
        @COMMANDS_CASE@) command=$word; break ;;
        esac
    done
    [[ $command == "$current" ]] && command=
    case $current in
    @VARIABLES@
    -*)
        case $command in
        @OPTIONS@
        esac ;;
    *)
        words=
        case $command in
        '') words="@COMMANDS@" ;;
        @WORDS@
        esac
        case $command in
        @WITHOUT_TASKS@) ;;
        *) words="$words $("${COMP_WORDS[0]}" list --all --quiet 2>/dev/null </dev/null)" ;;
        esac
        COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
    esac
    # What stands before the last : or = is not replaced by bash.
    if [[ $current == *[:=]* && $COMP_WORDBREAKS == *[:=]* ]]; then
        word=${current%"${current##*[:=]}"}
        COMPREPLY=("${COMPREPLY[@]#"$word"}")
    fi
}
complete -o default -F _@PROGRAM@_completion @PROGRAM@
"""

ZSH = """\
#compdef @PROGRAM@
# zsh completion for @PROGRAM@
_@PROGRAM@() {
    local program=$words[1] command word
    local -a commands tasks values
    commands=(
        @COMMANDS@
    )
    for word in ${words[2,CURRENT-1]}; do
        if (( ${+commands[(r)$word:*]} )) && [[ -n ${commands[(r)$word:*]} ]]; then
            command=$word
            break
        fi
    done
    case $PREFIX in
    @VARIABLES@
    -*)
        case $command in
        @OPTIONS@
        esac
        return ;;
    esac
    [[ -z $command ]] && _describe -t commands command commands
    case $command in
    @WORDS@
    esac
    case $command in
    @WITHOUT_TASKS@) ;;
    *)
        tasks=(${(f)"$($program list --all --quiet 2>/dev/null </dev/null)"})
        tasks=(${tasks%%[[:space:]]*})
        compadd -a tasks ;;
    esac
}
if [[ $funcstack[1] == _@PROGRAM@ ]]; then
    _@PROGRAM@ "$@"
else
    compdef _@PROGRAM@ @PROGRAM@
fi
"""

FISH = """\
# fish completion for @PROGRAM@
function __@PROGRAM@_command
    for word in (commandline -opc)[2..]
        if contains -- $word @COMMANDS@
            echo $word
            return 0
        end
    end
    return 1
end
function __@PROGRAM@_is
    contains -- (__@PROGRAM@_command; or echo none) $argv
end
function __@PROGRAM@_tasks
    set -l program (commandline -opc)[1]
    $program list --all --quiet 2>/dev/null </dev/null | string trim
end
complete -c @PROGRAM@ -f
"""


def bash(grammar: Grammar) -> str:
    """For bash 4 or newer, without the bash-completion package."""
    options = [
        f'{word.name}) COMPREPLY=($(compgen -W "{_options(word)}" -- "$current")) ;;' for word in grammar.commands
    ]
    run = next((word for word in grammar.commands if word.name == "run"), None)
    if run is not None:
        options.append(f"*) {_compgen(_options(run))}")
    variables = [
        f"{name}=*) words=; for word in {files}; do [[ -e $word ]] && word=${{word##*/}} && "
        f'words="$words {name}=${{word%.*}}"; done; COMPREPLY=($(compgen -W "$words" -- "$current")) ;;'
        for name, files in grammar.variables.items()
    ]
    names = [word.name for word in grammar.commands] + [f"{name}=" for name in grammar.variables]
    return _filled(
        BASH, grammar,
        COMMANDS=" ".join(names), COMMANDS_CASE="|".join(word.name for word in grammar.commands),
        OPTIONS="\n        ".join(options), VARIABLES="\n    ".join(variables),
        WORDS="\n        ".join(f'{word.name}) words="{" ".join(word.words)}" ;;' for word in _with_words(grammar)),
    )  # fmt: skip


def _compgen(words: str) -> str:
    return f'COMPREPLY=($(compgen -W "{words}" -- "$current")) ;;'


def zsh(grammar: Grammar) -> str:
    """For zsh with compinit."""
    options = [f"{word.name}) compadd -- {_options(word)} ;;" for word in grammar.commands]
    variables = [
        f"{name}=*) compset -P '{name}='; values=({files}(N:t:r)); compadd -a values; return ;;"
        for name, files in grammar.variables.items()
    ]
    commands = [shlex.quote(f"{word.name}:{_plain(word.help)}") for word in grammar.commands]
    return _filled(
        ZSH, grammar,
        COMMANDS="\n        ".join(commands), OPTIONS="\n        ".join(options), VARIABLES="\n    ".join(variables),
        WORDS="\n    ".join(f"{word.name}) compadd -- {' '.join(word.words)} ;;" for word in _with_words(grammar)),
    )  # fmt: skip


def fish(grammar: Grammar) -> str:
    """For fish 3 or newer."""
    names = " ".join(word.name for word in grammar.commands)
    return _filled(FISH, grammar, COMMANDS=names) + "".join(f"{line}\n" for line in _fish_lines(grammar))


def _fish_lines(grammar: Grammar) -> Iterator[str]:
    start = f"complete -c {grammar.program}"
    no_command = f"-n 'not __{grammar.program}_command >/dev/null'"
    for word in grammar.commands:
        yield f"{start} {no_command} -a {word.name} -d {_fish(_plain(word.help))}"
    with_tasks = " ".join(word.name for word in grammar.commands if word.tasks)
    yield f"{start} -n '__{grammar.program}_is none {with_tasks}' -a '(__{grammar.program}_tasks)'"
    for name, files in grammar.variables.items():
        suffix = files.rpartition("*")[2]
        yield f'{start} -a \'{name}=(path basename {files} 2>/dev/null | string replace -r "\\\\{suffix}\\$" "")\''
    for word in grammar.commands:
        condition = f"-n '__{grammar.program}_is {word.name}'"
        if word.words:
            yield f"{start} {condition} -a '{' '.join(word.words)}'"
        for option in word.options:
            flags = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r -F" if option.value else ""
            yield f"{start} {condition} {flags}{value} -d {_fish(_plain(option.help))}"


def _with_words(grammar: Grammar) -> Iterator[Word]:
    return (word for word in grammar.commands if word.words)


def _options(word: Word) -> str:
    """All names of a command's options; those with few values with each of them."""
    names = []
    for option in word.options:
        for name in option.names:
            long_choices = option.choices if name.startswith("--") else ()
            names += [f"{name}={choice}" for choice in long_choices] or [
                f"{name}=" if option.value and name.startswith("--") else name
            ]
    return " ".join(names)


def _plain(text: str) -> str:
    """Help in one line, without what a shell's own syntax of descriptions would read."""
    return " ".join(text.replace(":", ";").replace("\\", "").split())


def _fish(text: str) -> str:
    """In single quotes, as fish reads them."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _filled(template: str, grammar: Grammar, **parts: str) -> str:
    without = "|".join(word.name for word in grammar.commands if not word.tasks) or "''"
    text = template.replace("@WITHOUT_TASKS@", without).replace("@PROGRAM@", grammar.program)
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return "".join(f"{line}\n" for line in text.splitlines() if line.strip())

# What scenarios share. A scenario is a list of `step`s and checks; the first check that does not hold ends it.

set -u
UNIT=${UNIT:-headgate}
CONFIG=${CONFIG:-/etc/headgate/headgate.yaml}

step() { echo "    $*"; }

fail() {
    echo "    NOT SO: $*"
    exit 1
}

# expect WORDS... : the command succeeds. Its output is shown only where it does not.
expect() {
    local said
    said=$("$@" 2>&1) || { echo "$said" | tail -n 20; fail "$*"; }
}

# refute WORDS... : the command fails.
refute() {
    local said
    said=$("$@" 2>&1) && { echo "$said" | tail -n 20; fail "not: $*"; }
    return 0
}

# expect_text PATTERN WORDS... : what the command prints, on either stream, has the pattern; its exit does not matter.
expect_text() {
    local pattern=$1 said
    shift
    said=$("$@" 2>&1)
    grep -qE -- "$pattern" <<< "$said" || { echo "$said" | tail -n 20; fail "/$pattern/ in: $*"; }
}

# equal WANTED FOUND WHAT
equal() { [[ "$1" == "$2" ]] || fail "$3: $2, not $1"; }

# within SECONDS WORDS... : the command succeeds sooner or later.
within() {
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@" > /dev/null 2>&1; do
        ((SECONDS < end)) || { "$@"; fail "in time: $*"; }
        sleep 0.05
    done
}

property() { systemctl show -P "$1" "${2:-$UNIT}"; }
is_active() { [[ "$(property ActiveState "${1:-}")" == active ]]; }

# The status code of a GET. 000: no answer.
answer() { curl -s -o /dev/null -m 10 -w '%{http_code}' "$@"; }
answers() {
    local wanted=$1
    shift
    [[ "$(answer "$@")" == "$wanted" ]]
}

# errors: what the journal has of the unit at priority err and worse, of this boot.
errors() { journalctl --sync; journalctl -q -b -p err -o cat -u "$UNIT"; }
lines() { journalctl --sync; journalctl -q -b -o cat -u "$UNIT"; }

# A configuration with one fixed answer, on 127.0.0.1:8000 or where it is told.
simple_config() {
    cat <<END
version: 1
listeners: { local: "${1:-127.0.0.1:8000}" }
auth: { open: { mode: none, ignore_credentials: true, allow_open: true } }
routes:
  - { path: /health, auth: open, respond: { json: { status: "${2:-ok}" } } }
END
}

# Connections and streams that go on until `load_end`, which says what became of them and fails where one was
# refused, reset or cut.
load_begin() {
    rm -f load.json
    ./load --until load.stop --out load.json "$@" &
    LOAD=$!
    rm -f load.stop
    within 10 test -e load.json.begun
}

load_end() {
    touch load.stop
    wait "$LOAD" || fail "nothing refused, reset or cut: $(cat load.json)"
    step "$(cat load.json)"
    rm -f load.stop load.json.begun
}

# Boots the container anew and runs the scenario again, with BOOT one higher.
reboot_here() {
    touch again
    systemctl start --no-block --job-mode=replace-irreversibly reboot.target
    sleep 20
}

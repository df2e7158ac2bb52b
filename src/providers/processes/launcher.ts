/**
 * The command that claims the slot and then turns into the given command, keeping its pid and start time. It ends with 111,
 * without having run anything, when the slot is claimed or gone.
 */
export function launcherCommand(dir: string, command: readonly string[]): [program: string, ...args: string[]] {
  return ["/bin/sh", "-c", script, "signalbox-launch", dir, process.platform, ...command];
}

// `command -p`: the environment may lack a usable PATH. The claim is a hard link, because it then has its content from the
// first moment, and is refused when there is one already.
const script = `
slot=$1 platform=$2
shift 2
started() {
  if [ "$platform" = linux ]; then
    read -r stat < "/proc/$$/stat" && read -r boot < /proc/sys/kernel/random/boot_id || return 1
    set -- \${stat##*) }
    echo "$boot/\${20}"
  else
    LC_ALL=C TZ=UTC0 command -p ps -o lstart= -p $$
  fi
}
{ since=$(started) && printf '%s\\n%s\\n' $$ "$since" > "$slot/pid.$$"; } 2>/dev/null || exit 111
command -p ln "$slot/pid.$$" "$slot/pid" 2>/dev/null || exit 111
unset slot platform since
exec "$@"
`;

/**
 * `ipvsadm -h` and `-v`. The version line is 1.31's, since scripts look at it, and the help names
 * every option that 1.31 has; what the help says about them is in our own words.
 */

export const VERSION_LINE = 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n';

/** @param program as it was called */
export function usage(program: string): string {
  const forms = FORMS.map((form) => `  ${program} ${form}\n`).join('');
  return `${VERSION_LINE}Usage:\n${forms}\n${OPTIONS}`;
}

const FORMS: readonly string[] = [
  '-A|-E SERVICE [-s SCHEDULER] [-p [SECONDS]] [-M NETMASK] [--pe ENGINE] [-b FLAGS] [-o]',
  '-D SERVICE',
  '-a|-e SERVICE -r SERVER [-g|-i|-m] [-w WEIGHT] [-x UPPER] [-y LOWER] [TUNNEL OPTIONS]',
  '-d SERVICE -r SERVER',
  '-L|-l [SERVICE] [LISTING OPTIONS]',
  '-Z [SERVICE]',
  '-C',
  '-S [-n]',
  '-R < FILE',
  '--set TCP TCPFIN UDP',
  '--start-daemon master|backup [DAEMON OPTIONS]',
  '--stop-daemon master|backup',
  '-h',
];

const OPTIONS = `The first option is the command:
  -A, --add-service           make a virtual service
  -E, --edit-service          change one
  -D, --delete-service        remove one with its servers
  -C, --clear                 remove everything
  -R, --restore               read commands from the standard input, one a line
  -S, --save                  print the commands that make what there is
  -a, --add-server            give a service another server
  -e, --edit-server           change a server
  -d, --delete-server         take a server away
  -L, -l, --list              print the table
  -Z, --zero                  set counters to zero
      --set                   time-outs of connections in seconds; 0 leaves one as it is
      --start-daemon          begin to synchronise connections with other directors
      --stop-daemon           end that
  -h, --help                  print this

SERVICE is one of:
  -t, --tcp-service HOST[:PORT]
  -u, --udp-service HOST[:PORT]
      --sctp-service HOST[:PORT]
  -f, --fwmark-service MARK   packets with this firewall mark; with -6, --ipv6: those of IPv6

Of a service:
  -s, --scheduler NAME        rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh; wlc if none is given
  -b, --sched-flags FLAGS     of the scheduler, with commas between them
  -p, --persistent [SECONDS]  a client stays with its server
  -M, --netmask MASK          how much of a client's address makes one client
      --pe ENGINE             what tells clients apart instead: sip
  -o, --ops                   schedule every packet by itself

Of a server:
  -r, --real-server HOST[:PORT]
  -g, --gatewaying            send packets on unchanged (if nothing else is given)
  -i, --ipip                  through a tunnel
  -m, --masquerading          with the destination rewritten (NAT)
      --tun-type TYPE         ipip gue gre; ipip if none is given
      --tun-port PORT         of the tunnel's far end
      --tun-nocsum, --tun-csum, --tun-remcsum
                              checksums in the tunnel: none, its own, the inner one taken over
  -w, --weight NUMBER         its share; 0: no new connections
  -x, --u-threshold NUMBER    no new connections above so many
  -y, --l-threshold NUMBER    new ones again below so many

Listing:
  -n, --numeric               addresses and ports as numbers
  -c, --connection            connections instead of services
      --timeout, --daemon     the time-outs; the synchronising daemons
      --stats, --rate         counters; what they grow by a second
      --exact                 all digits of them
      --thresholds, --persistent-conn, --tun-info
                              other columns
      --sort, --nosort        sorted (as always); in the kernel's order

Of a daemon:
      --syncid NUMBER         255 if none is given
      --sync-maxlen BYTES     of one message; 1472
      --mcast-interface NAME
      --mcast-group ADDRESS   224.0.0.81
      --mcast-port PORT       8848
      --mcast-ttl NUMBER      1
`;

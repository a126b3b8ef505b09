package server

import (
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// TurnAway has the kernel drop the first packet of each new connection, and only that one, so that handshakes under way come to
// their end. Its sender asks again a second later, and by then is refused or taken by the next program. Without it, some are cut
// off in the middle of a request when the listener closes: who is in the kernel's queue, and whose request net/http has read but
// not begun (Server.Shutdown drops these).
func TurnAway(l net.Listener) error {
	socket, ok := l.(syscall.Conn)
	if !ok {
		return nil // a listener that a test has put around ours
	}
	const tcpFlags, syn = 13, 2 // RFC 9293 §3.1: the offset of the flags' byte, and the bit of a first packet
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: tcpFlags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jt: 0, Jf: 1, K: syn},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
	}
	raw, err := socket.SyscallConn()
	if err == nil {
		var failed error
		err = raw.Control(func(fd uintptr) {
			filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
			failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter)
		})
		if err == nil {
			err = failed
		}
	}
	if err != nil {
		return fmt.Errorf("turn new connections away: %w", err)
	}
	return nil
}

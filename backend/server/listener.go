package server

import (
	"context"
	"net"
)

// Listen takes an address for the server. It does without Multipath TCP, whose sockets take no filter: see TurnAway.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(ctx, "tcp", address)
}

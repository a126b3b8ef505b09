//go:build !linux

package server

import "net"

// TurnAway does nothing here: a client whose connection is being made when the listener closes has to ask again.
func TurnAway(net.Listener) error { return nil }

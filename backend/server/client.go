package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// RemoteIP returns the address of the browser itself. Of X-Forwarded-For it believes what trusted proxies wrote, from
// the end: what a browser wrote itself stands before that.
func (s *Server) RemoteIP(r *http.Request) (netip.Addr, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("the connection's address %.60q is not an IP address", r.RemoteAddr)
	}
	ip = ip.Unmap().WithZone("")
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(forwarded) {
		if !s.trusted(ip) {
			break
		}
		before, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break
		}
		ip = before.Unmap().WithZone("")
	}
	return ip, nil
}

// clientIP is the address that WeChat Pay compares with the payer's.
func (s *Server) clientIP(r *http.Request) (netip.Addr, error) {
	ip, err := s.RemoteIP(r)
	if err != nil || !ip.IsLoopback() {
		return ip, err
	}
	if s.LocalPayer.IsValid() {
		return s.LocalPayer, nil
	}
	return netip.Addr{}, fmt.Errorf("the browser's address would be %s: the reverse proxy must send X-Forwarded-For and "+
		"be one of trusted_proxies", ip)
}

func (s *Server) trusted(ip netip.Addr) bool {
	return slices.ContainsFunc(s.now().TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}

package webhook

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// refusePrivate refuses to connect to an address inside our own network. It is asked with the address that is about
// to be dialled, after the name was looked up: a DNS answer that changes from one moment to the next changes nothing.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s is no address", address)
	}
	if !isPublic(to.Addr()) {
		return fmt.Errorf("%s is no public address; webhooks are not sent into private networks", to.Addr())
	}
	return nil
}

// isPublic reports whether an address can be somebody's server on the internet. An IPv6 address that stands for an
// IPv4 one is judged by that.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.Zone() != "" || !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	if inner, ok := embedded(ip); ok {
		return isPublic(inner)
	}
	inside := func(p netip.Prefix) bool { return p.Contains(ip) }
	if ip.Is4() {
		return !slices.ContainsFunc(notPublic4(), inside)
	}
	return global6().Contains(ip) && !slices.ContainsFunc(notPublic6(), inside)
}

// notPublic4 are the networks of the IANA registry of special addresses (RFC 6890) that netip does not know of.
func notPublic4() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network
		netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT (RFC 6598); some clouds' metadata services
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	}
}

// global6 is all that was ever given out of IPv6.
func global6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

func notPublic6() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("2001::/23"),     // protocol assignments, Teredo among them
		netip.MustParsePrefix("2001:db8::/32"), // documentation
		netip.MustParsePrefix("3fff::/20"),     // documentation
	}
}

// embedded returns the IPv4 address that a gateway would make of an IPv6 one.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	b := ip.As16()
	switch {
	case !ip.Is6():
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip): // NAT64 (RFC 6052)
		return netip.AddrFrom4([4]byte(b[12:])), true
	case netip.MustParsePrefix("2002::/16").Contains(ip): // 6to4 (RFC 3056)
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

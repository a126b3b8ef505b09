package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"saoma/backend/pay"
	"saoma/backend/store"
)

// A doctor looks at a configuration, however broken, and at what it leads to.
type doctor struct {
	file     string         // the configuration's; empty: config is it already, checked
	config   config         // as it stands in the file
	patience time.Duration  // for the callback of a self-test
	only     pay.MerchantID // of several; empty: all
	roots    *x509.CertPool // nil: the system's

	books *store.Store // nil while they cannot be opened
}

const (
	examineLimit    = 10 * time.Second    // for one look at our own address
	examineParallel = 8                   // merchants
	tlsSoon         = 14 * 24 * time.Hour // renewals are made some 30 days before the end: then they fail
)

// examine looks at everything and reports it: first what concerns the whole program, then merchant by merchant.
func (d *doctor) examine(ctx context.Context, report func(pay.Check)) {
	if !d.read(report) {
		return
	}
	for _, c := range d.examineAddress(ctx) {
		report(c)
	}
	for _, c := range d.examineBooks(ctx) {
		report(c)
	}
	if d.books != nil {
		defer func() { _ = d.books.Close() }() // nothing is lost with it
	}
	for batch := range slices.Chunk(d.config.Merchants, examineParallel) {
		found := make([][]pay.Check, len(batch))
		var work sync.WaitGroup
		for i, m := range batch {
			work.Go(func() { found[i] = d.examineMerchant(ctx, m) })
		}
		work.Wait()
		for _, c := range slices.Concat(found...) {
			report(c)
		}
	}
}

// read reads the file, if there is one, and reports whether there is something to examine.
func (d *doctor) read(report func(pay.Check)) bool {
	if d.file != "" {
		c, err := readConfig(d.file)
		d.config = c
		if err != nil {
			report(pay.Check{Name: "configuration", Result: pay.CheckBroken, Found: err.Error(), Todo: "mend that line of the file"})
		}
		if err != nil && len(c.Merchants) == 0 {
			return false
		}
	}
	if len(d.config.Merchants) == 0 {
		report(pay.Check{Name: "configuration", Result: pay.CheckBroken, Found: "it has no merchant", Todo: "write a [[merchant]]"})
	}
	err := d.config.resolveDatabase()
	if err == nil {
		err = d.config.checkShared()
	}
	if err != nil {
		report(pay.Check{Name: "configuration", Result: pay.CheckBroken, Found: printable(err.Error()), Todo: "mend it in the file"})
	}
	if d.only != "" {
		d.config.Merchants = slices.DeleteFunc(slices.Clone(d.config.Merchants),
			func(m merchantConfig) bool { return pay.MerchantID(m.ID) != d.only })
	}
	return true
}

// examineAddress looks at public_url as browsers and WeChat Pay do.
func (d *doctor) examineAddress(ctx context.Context) []pay.Check {
	u, err := url.Parse(d.config.PublicURL)
	if err != nil || checkOrigin("public_url", d.config.PublicURL) != nil {
		return nil // told already
	}
	var checks []pay.Check
	secure := pay.Check{Name: "TLS", Result: pay.CheckOK, Found: "none is needed on this machine"}
	switch {
	case u.Scheme == "https":
		secure = d.examineTLS(ctx, u)
	case !isLocal(u.Hostname()):
		secure = pay.Check{Name: "TLS", Result: pay.CheckBroken, Found: "public_url is http",
			Todo: "let a reverse proxy speak https and set public_url to it: browsers show no payment in plain http"}
	}
	checks = append(checks, secure)
	return append(checks, d.examineReach(ctx))
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// examineTLS looks at the certificate of our own address.
func (d *doctor) examineTLS(ctx context.Context, u *url.URL) pay.Check {
	c := pay.Check{Name: "TLS", Result: pay.CheckBroken}
	ctx, cancel := context.WithTimeout(ctx, examineLimit)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := tls.Dialer{Config: &tls.Config{ServerName: u.Hostname(), RootCAs: d.roots, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		c.Found, c.Todo = printable(err.Error()), tlsTodo(err)
		return c
	}
	defer func() { _ = conn.Close() }() // it has told all
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	c.Result, c.Found = pay.CheckOK, fmt.Sprintf("the certificate is good for %s, for %d more days", u.Hostname(), int(left.Hours()/24))
	if left < tlsSoon {
		c.Result, c.Todo = pay.CheckWarning, "renew it; find out why that did not happen by itself"
	}
	return c
}

func tlsTodo(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "get a certificate for the host of public_url"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "have the proxy send the whole chain (fullchain.pem) of a certificate from a public authority"
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "renew the certificate"
	}
	return "have the reverse proxy listen there with https, TLS 1.2 or newer; open its port"
}

// examineReach asks our own address whether this program answers there.
func (d *doctor) examineReach(ctx context.Context) pay.Check {
	c := pay.Check{Name: "public address", Result: pay.CheckOK, Found: d.config.PublicURL + " leads to this program"}
	ctx, cancel := context.WithTimeout(ctx, examineLimit)
	defer cancel()
	id := rand.Text()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.config.PublicURL+"/healthz", nil)
	if err != nil {
		return pay.Check{Name: c.Name, Result: pay.CheckBroken, Found: printable(err.Error())}
	}
	r.Header.Set("X-Request-Id", id)
	// A middleman's word is no answer of ours: no proxy, no redirect.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: d.roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		c.Result, c.Found = pay.CheckBroken, "nothing answers: "+printable(err.Error())
		c.Todo = "start the server, and let the reverse proxy pass public_url on to " + d.config.Listen
		return c
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent || res.Header.Get("X-Request-Id") != id {
		c.Result, c.Found = pay.CheckBroken, fmt.Sprintf("something else answers /healthz there: %s", res.Status)
		c.Todo = "let the reverse proxy pass all paths of public_url on to " + d.config.Listen + ", without login or bot checks"
	}
	return c
}

// examineBooks opens the database, writes to it, and looks for damage.
func (d *doctor) examineBooks(ctx context.Context) []pay.Check {
	c := pay.Check{Name: "database", Result: pay.CheckOK, Found: "opened, written to, no damage found"}
	if d.config.checkShared() != nil {
		c.Result, c.Found = pay.CheckSkipped, "mend the configuration first"
		return []pay.Check{c}
	}
	file := d.config.databaseFile()
	if _, err := os.Stat(file); file != "" && errors.Is(err, fs.ErrNotExist) {
		c.Found = file + " is not there yet: the first start of the server makes it"
		if err := writable(filepath.Dir(file)); err != nil {
			c.Result, c.Found = pay.CheckBroken, file+" is not there and cannot be made: "+printable(err.Error())
			c.Todo = "let the user who runs this program write to its folder, or mend the path"
		}
		return []pay.Check{c}
	}
	books, err := store.Open(ctx, d.config.databaseAddress())
	if err != nil {
		c.Result, c.Found = pay.CheckBroken, printable(err.Error())
		c.Todo = "let PostgreSQL run and take this user and password; the user needs the right to make tables"
	}
	if err != nil && file != "" {
		c.Todo = "let the user who runs this program read and write the file and its folder; with damage, saoma restore a backup"
	}
	if err != nil {
		return []pay.Check{c}
	}
	d.books = books
	cashier := pay.Cashier{Store: books, Now: time.Now}
	if err := cashier.HearEcho(ctx, pay.Echo{Message: "written by saoma doctor"}); err != nil { // under no merchant's name
		c.Result, c.Found = pay.CheckBroken, printable(err.Error())
		c.Todo = "grant the user of the address the right to write to all tables; give PostgreSQL's disk some space"
		if file != "" {
			c.Todo = "free some space on the disk; let the user who runs this program write to the file and its folder"
		}
	} else if err := books.Integrity(ctx, true); err != nil {
		c.Result, c.Found, c.Todo = pay.CheckBroken, printable(err.Error()), "stop the server and restore the last good backup"
	}
	return []pay.Check{c}
}

// writable reports whether files can be made in a folder, or it can be made.
func writable(folder string) error {
	for _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist); _, err = os.Stat(folder) {
		folder = filepath.Dir(folder)
	}
	f, err := os.CreateTemp(folder, ".saoma-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// examineHistory looks at the newest events of a merchant.
func (d *doctor) examineHistory(ctx context.Context, m pay.MerchantID) pay.Check {
	c := pay.Check{Name: "history", Result: pay.CheckOK}
	if d.books == nil {
		c.Result, c.Found = pay.CheckSkipped, "no database is open"
		return c
	}
	events, err := (&pay.Cashier{Store: d.books}).VerifyRecent(ctx, m, pay.ListMax)
	c.Found = fmt.Sprintf("the newest %d events are as they were recorded", events)
	if events == 0 {
		c.Found = "no orders yet"
	}
	if err != nil {
		c.Result, c.Found = pay.CheckBroken, printable(err.Error())
		c.Todo = "somebody has altered the books; run saoma verify, and compare them with a backup"
	}
	return c
}

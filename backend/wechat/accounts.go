package wechat

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"

	"saoma/backend/pay"
)

// An account is an Account at work.
type account struct {
	Account
	keys   *keyring
	client *core.Client
	files  *core.Client // for downloads, whose answers nobody signs
	bare   *core.Client // for certificates, whose answer is verified by what it brings
	plain  *http.Client // for what is not WeChat Pay's: neither signed nor verified

	backup  *account // the same account at BackupURL, without circuit and hosts; or nil
	circuit *circuit
	hosts   hosts
}

// at returns the account whose clients call h.
func (a *account) at(h host) *account {
	if h == backupHost {
		return a.backup
	}
	return a
}

// account returns the merchant's account as it is now, or nil. What has begun with it ends with it.
func (g *Gateway) account(m pay.MerchantID) *account { return (*g.accounts.Load())[m] }

// Replace puts other accounts in the place of those that the gateway has, all or none: it returns an error, one line
// about the first that cannot be right, and then nothing has changed. An account in which nothing differs goes on as
// it was, with its circuit and with what it has learned of the hosts. The account of a merchant that is not there any
// more is kept for the calls that its last requests still make; who asks for callbacks or orders of it is for the
// directory of merchants to refuse.
func (g *Gateway) Replace(accounts map[pay.MerchantID]Account) error {
	g.replacing.Lock()
	defer g.replacing.Unlock()
	next := make(map[pay.MerchantID]*account, len(accounts))
	if before := g.accounts.Load(); before != nil {
		maps.Copy(next, *before)
	}
	for id, a := range accounts {
		if known := next[id]; known != nil && known.same(a) {
			continue
		}
		opened, err := g.open(a)
		if err != nil {
			return fmt.Errorf("wechat account of merchant %q: %w", id, err)
		}
		opened.circuit = newCircuit(id, g.log)
		next[id] = opened
	}
	g.accounts.Store(&next)
	return nil
}

// same reports whether nothing differs.
func (a Account) same(b Account) bool {
	private := a.PrivateKey != nil && b.PrivateKey != nil && a.PrivateKey.Equal(b.PrivateKey)
	public := a.PublicKey == b.PublicKey || a.PublicKey != nil && b.PublicKey != nil && a.PublicKey.Equal(b.PublicKey)
	a.PrivateKey, a.PublicKey = b.PrivateKey, b.PublicKey
	return private && public && a == b
}

// open opens an account at its main and, if there is one, its backup host.
func (g *Gateway) open(a Account) (*account, error) {
	keys := newKeyring(a.PublicKeyID, a.PublicKey)
	opened, err := openAt(a, a.APIURL, keys, g.transport)
	if err != nil {
		return nil, err
	}
	sources := []*core.Client{opened.bare}
	if a.BackupURL != "" {
		opened.hosts.backup = true
		if opened.backup, err = openAt(a, a.BackupURL, keys, g.transport); err != nil {
			return nil, err
		}
		sources = append(sources, opened.backup.bare)
	}
	if a.byCertificates() {
		keys.certificates = g.certificatesOf(a, sources)
	}
	return opened, nil
}

func openAt(a Account, apiURL string, keys *keyring, transport http.RoundTripper) (*account, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	base, err := parseAPIURL(apiURL)
	if err != nil {
		return nil, err
	}
	host := hostTransport{base: transport, scheme: base.Scheme, host: base.Host}
	opened := &account{Account: a, keys: keys, plain: newClient(transport)}
	for _, c := range []struct {
		client    **core.Client
		validator core.ClientOption
		transport http.RoundTripper
	}{
		{&opened.client, option.WithVerifier(keys), &host},
		{&opened.files, option.WithoutValidator(), &fileTransport{host}},
		{&opened.bare, option.WithoutValidator(), &host},
	} {
		*c.client, err = core.NewClient(context.Background(), // which the SDK ignores
			option.WithMerchantCredential(a.MchID, a.Serial, a.PrivateKey), c.validator,
			option.WithHTTPClient(newClient(c.transport)))
		if err != nil {
			return nil, errors.New(oneLine(err.Error()))
		}
	}
	return opened, nil
}

package wechat

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"saoma/backend/pay"
)

const (
	// certificatesAge is how old the list of certificates may be: WeChat Pay wants it fetched every 12 hours
	// (doc 4012551764), and who looks after it comes by every half hour.
	certificatesAge = 11 * time.Hour

	// certificatesGap is the least time between two downloads. Anybody may send us a callback with a serial that
	// nobody knows; a genuine one comes again after 15 seconds (doc 4012791882).
	certificatesGap = 10 * time.Second

	// certificatesLimit is how long a download may take: who waits for it answers a callback within five seconds.
	certificatesLimit = 3 * time.Second
)

// A certificatesKey is whose certificates they are. The merchants of one service provider have them in common.
type certificatesKey struct{ apiURL, mchID, serial, apiV3Key string }

// certificates are the platform certificates (微信支付平台证书) of a merchant number, by serial. They are downloaded when
// they are first needed, and again before they are old or when a serial is not known. What was known stays known
// until it expires: WeChat Pay moves from one certificate to the next in grey steps, over months.
//
// The SDK's own downloader is not used: it keeps the newest download only, and its manager races.
type certificates struct {
	mchID, apiV3Key string
	sources         []*core.Client // clients of the API's hosts, which verify nothing
	log             *slog.Logger

	held atomic.Pointer[map[string]certificate] // never altered, only replaced

	downloading sync.Mutex // held while one is under way; guards the next
	tried       time.Time  // when a download last began
	fetched     time.Time  // when one last brought a list
	trouble     error      // of the last one
}

// A certificate is a key that WeChat Pay signs with for some years.
type certificate struct {
	key         *rsa.PublicKey
	verifier    *verifiers.SHA256WithRSAPubkeyVerifier
	from, until time.Time
}

func (c certificate) valid(now time.Time) bool { return !now.Before(c.from) && now.Before(c.until) }

// certificatesOf returns the certificates of an account, those of another merchant if it has the same. The caller holds
// g.replacing.
func (g *Gateway) certificatesOf(a Account, sources []*core.Client) *certificates {
	key := certificatesKey{a.APIURL, a.MchID, a.Serial, a.APIv3Key}
	c := g.certificates[key]
	if c == nil {
		c = &certificates{mchID: a.MchID, apiV3Key: a.APIv3Key, sources: sources, log: g.log}
		c.held.Store(&map[string]certificate{})
		g.certificates[key] = c
	}
	return c
}

// find returns the key of a serial, after a download if it is not known.
func (c *certificates) find(ctx context.Context, serial string) (*verifiers.SHA256WithRSAPubkeyVerifier, *Rejection) {
	if found, ok := (*c.held.Load())[serial]; ok && found.valid(time.Now()) {
		return found.verifier, nil
	}
	// Whoever waits here finds the list that the first one brought.
	c.downloading.Lock()
	defer c.downloading.Unlock()
	found, ok := (*c.held.Load())[serial]
	if !ok && time.Since(c.tried) >= certificatesGap {
		c.trouble = c.download(ctx)
		found, ok = (*c.held.Load())[serial]
	}
	switch {
	case ok && found.valid(time.Now()):
		return found.verifier, nil
	case ok:
		return nil, rejected(UnknownKey, "the platform certificate %s is valid from %s until %s, which is not now", serial,
			found.from.Format(time.DateTime), found.until.Format(time.DateTime))
	case c.trouble != nil:
		return nil, rejected(UnknownKey, "the platform certificate %s is not known: %v", serial, c.trouble)
	}
	return nil, rejected(UnknownKey, "WeChat Pay has no platform certificate %s, as of %s", serial, c.fetched.Format(time.DateTime))
}

// newest returns the certificate that was issued last, with its serial, if one is known.
func (c *certificates) newest() (serial string, newest certificate, ok bool) {
	now := time.Now()
	for s, x := range *c.held.Load() {
		if x.valid(now) && (!ok || x.from.After(newest.from) || x.from.Equal(newest.from) && s > serial) {
			serial, newest, ok = s, x, true
		}
	}
	return serial, newest, ok
}

// refresh downloads the list if it is old.
func (c *certificates) refresh(ctx context.Context) error {
	c.downloading.Lock()
	defer c.downloading.Unlock()
	if time.Since(c.fetched) < certificatesAge || time.Since(c.tried) < certificatesGap {
		return nil
	}
	c.trouble = c.download(ctx)
	return c.trouble
}

var errNoCertificates = errors.New("WeChat Pay has no platform certificates for this mchid, which is in public-key mode: " +
	"set public_key_id and public_key, from the merchant platform (商户平台 → API安全 → 微信支付公钥)")

var errSealed = errors.New("a certificate cannot be decrypted; is api_v3_key the one set in the merchant platform?")

// download fetches the list from the first host that gives it. The caller holds c.downloading.
func (c *certificates) download(ctx context.Context) error {
	c.tried = time.Now()
	ctx, cancel := context.WithTimeout(ctx, certificatesLimit)
	defer cancel()
	var failed *pay.GatewayError
	for _, source := range c.sources {
		result, err := source.Get(ctx, consts.WechatPayAPIServer+"/v3/certificates")
		var a answer
		if a, failed = read(ctx, result, err); failed == nil {
			return c.take(result.Response.Header, a.body)
		}
		if failed.Status != 0 {
			break
		}
	}
	failed.Op = "certificates"
	if failed.Status == http.StatusNotFound && failed.Code == "RESOURCE_NOT_EXISTS" {
		failed.Err = errNoCertificates
	}
	return failed
}

// take adds the certificates of an answer to those that are known, and drops what has expired.
func (c *certificates) take(h http.Header, body []byte) error {
	fresh, err := openCertificates(body, c.apiV3Key)
	if err != nil {
		return fmt.Errorf("the list of platform certificates is not taken: %w", err)
	}
	now := time.Now()
	next := maps.Clone(*c.held.Load())
	maps.Copy(next, fresh)
	maps.DeleteFunc(next, func(_ string, x certificate) bool { return !now.Before(x.until) })
	// The answer may be signed by a certificate that only it brings: that it comes from WeChat Pay is shown by the
	// encryption, and then it must agree with itself.
	if err := verifyAnswer(h, body, next); err != nil {
		return fmt.Errorf("the list of platform certificates is not taken: %w", err)
	}
	for serial := range fresh {
		if _, known := (*c.held.Load())[serial]; !known {
			c.log.Info("platform certificate", "mchid", c.mchID, "serial", serial, "until", fresh[serial].until)
		}
	}
	c.held.Store(&next)
	c.fetched = now
	return nil
}

// RefreshCertificates fetches the platform certificates of all merchants who have any, where they are older than half a
// day. It is to be called every half hour. The error tells of each merchant number that has trouble.
func (g *Gateway) RefreshCertificates(ctx context.Context) error {
	due := make(map[*certificates]string)
	for _, a := range *g.accounts.Load() {
		if a.keys.certificates != nil {
			due[a.keys.certificates] = a.MchID
		}
	}
	var errs []error
	for c, mchID := range due {
		if err := c.refresh(ctx); err != nil && ctx.Err() == nil {
			errs = append(errs, fmt.Errorf("platform certificates of mchid %s: %w", mchID, err))
		}
	}
	return errors.Join(errs...)
}

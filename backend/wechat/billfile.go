package wechat

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"

	"saoma/backend/pay"
)

const (
	// billMax bounds a bill in bytes, uncompressed: with some 350 bytes a row, twelve million trades of one day.
	billMax int64 = 4 << 30

	// downloadLimit is how long the download of a bill may take: a hundred megabytes, a million trades
	// compressed, over a line of two megabits a second.
	downloadLimit = 10 * time.Minute
)

// A statement is the answer to the request for a bill (doc 4013071227): where the file is, and its hash.
type statement struct {
	HashType    string `json:"hash_type"`
	HashValue   string `json:"hash_value"`   // of the uncompressed file, with its BOM and CRLFs
	DownloadURL string `json:"download_url"` // good for 5 minutes
}

// statement asks for a bill. Its answer is signed, and makes the unsigned file trustworthy by the hash.
func (g *Gateway) statement(ctx context.Context, op string, m pay.MerchantID, target string) (statement, error) {
	a, err := g.call(ctx, op, m, http.StatusOK, func(ctx context.Context, a *account) (*core.APIResult, error) {
		return a.client.Get(ctx, consts.WechatPayAPIServer+target)
	})
	if err != nil {
		return statement{}, err
	}
	var s statement
	if err := json.Unmarshal(a.body, &s); err != nil {
		return statement{}, a.unsure(op, fmt.Errorf("decode the answer: %w", err))
	}
	if s.HashType != "SHA1" {
		return statement{}, a.unsure(op, fmt.Errorf("hash_type is %.16q, want SHA1", s.HashType))
	}
	return s, nil
}

// download fetches a statement's file into a temporary one and returns that at its beginning, if the hash is
// right. The caller discards it.
func (g *Gateway) download(ctx context.Context, op string, m pay.MerchantID, s statement) (*spool, error) {
	// Path and query are signed as they came. The host is the one of all calls, whatever the URL says.
	u, err := url.Parse(s.DownloadURL)
	if err != nil || u.Host == "" {
		return nil, &pay.GatewayError{Op: op, Outcome: pay.Unsure, Err: errors.New("download_url is not a URL")}
	}
	from := g.account(m)
	if from == nil {
		return nil, noAccount(op, m)
	}
	file, err := newSpool(g.tempDir)
	if err != nil {
		return nil, &pay.GatewayError{Op: op, Outcome: pay.Unsure, Err: inOneLine(err)}
	}
	_, err = g.exchange(ctx, downloadLimit, op, m, from, http.StatusOK,
		func(ctx context.Context, a *account) (*core.APIResult, error) {
			result, err := a.files.Get(ctx, consts.WechatPayAPIServer+u.RequestURI())
			if err != nil || result.Response.StatusCode != http.StatusOK {
				return result, err
			}
			return result, file.fill(result.Response.Body, billMax, s.HashValue)
		})
	if err != nil {
		file.discard()
		return nil, err
	}
	return file, nil
}

// A fileTransport is a [hostTransport] that leaves the body of a good answer to be read as a stream.
type fileTransport struct{ hostTransport }

func (t *fileTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.send(r)
	if err != nil || response.StatusCode == http.StatusOK {
		return response, err
	}
	return readWhole(response)
}

// A spool is a temporary file, readable by us only: a bill names a shop's customers and its turnover.
type spool struct {
	*os.File
	named bool
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, "saoma-bill-*") // with mode 0600
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	// A crash before the next line leaves an empty file behind, after it nothing: the file has no name any
	// more and goes when it is closed. Windows refuses to remove an open file; there it goes in discard.
	return &spool{File: file, named: os.Remove(file.Name()) != nil}, nil
}

// fill takes in a bill, compressed or not, of at most limit bytes uncompressed, in place of what an earlier try
// left, and goes back to its beginning if the bill has the wanted SHA-1. That hash is not strong, but only
// WeChat Pay makes these files.
func (s *spool) fill(body io.Reader, limit int64, want string) error {
	if err := s.empty(); err != nil {
		return err
	}
	text, err := decompressed(body)
	if err != nil {
		return err
	}
	sum := sha1.New()
	n, err := io.Copy(io.MultiWriter(s.File, sum), io.LimitReader(text, limit+1))
	if err != nil {
		return fmt.Errorf("take in the bill: %w", err)
	}
	if n > limit {
		return fmt.Errorf("the bill has more than %d bytes", limit)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, want) {
		return fmt.Errorf("the SHA-1 of the bill's %d bytes is %s, want %.48q", n, got, want)
	}
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go back in the bill: %w", err)
	}
	return nil
}

func (s *spool) empty() error {
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go back in the bill: %w", err)
	}
	if err := s.Truncate(0); err != nil {
		return fmt.Errorf("empty the file of the bill: %w", err)
	}
	return nil
}

// discard closes the file and sees that nothing of it stays.
func (s *spool) discard() {
	_ = s.Close() // what was read from it was verified, and nothing that was written is needed any more
	if s.named {
		_ = os.Remove(s.Name())
	}
}

// decompressed looks at the first bytes rather than at what was asked for: between WeChat Pay and us, and
// net/http too, somebody may have decompressed an answer that came with a Content-Encoding.
func decompressed(body io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(body)
	magic, err := buffered.Peek(2)
	if err != nil || magic[0] != 0x1f || magic[1] != 0x8b { // RFC 1952
		return buffered, nil // a body too short is told by its hash, a read error by the next read
	}
	text, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("decompress the bill: %w", err)
	}
	return text, nil
}

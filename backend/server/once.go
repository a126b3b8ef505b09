package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"saoma/backend/pay"
)

// once answers a request that creates something. With an Idempotency-Key the same request is answered the same, for
// 24 hours: what was answered is kept, and two that come at once are served by one call. O holds the answer.
func once[O any](ctx context.Context, s *Server, m pay.MerchantID, key string, request []byte,
	create func(context.Context, pay.Once) (*O, error),
) (*O, error) {
	if key == "" {
		return create(ctx, pay.Once{})
	}
	digest := sha256.Sum256(request)
	o := pay.Once{Key: key, Request: hex.EncodeToString(digest[:])}
	// Whoever came first may leave; those who wait beside it want the answer all the same.
	ctx = context.WithoutCancel(ctx)
	made, err, _ := s.flights.Do(string(m)+"\n"+key+"\n"+o.Request, func() (any, error) {
		earlier, err := s.Cashier.Answer(ctx, m, o)
		if err != nil {
			return nil, err
		}
		out := new(O)
		if earlier != "" {
			if err := json.Unmarshal([]byte(earlier), out); err != nil {
				return nil, fmt.Errorf("read the earlier answer: %w", err)
			}
			return out, nil
		}
		if out, err = create(ctx, o); err != nil {
			return nil, err
		}
		answer, err := json.Marshal(out)
		if err != nil {
			return nil, fmt.Errorf("keep the answer: %w", err)
		}
		// A crash here leaves what was made without its answer: the repeat finds it by the key and answers as it then is.
		return out, s.Cashier.KeepAnswer(ctx, m, o, string(answer))
	})
	if err != nil {
		return nil, err
	}
	return made.(*O), nil
}

package certs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sign has an authority that is elsewhere answer a signing request, PKCS#10 in
// PEM, for an identity: with its certificate and those of intermediate
// authorities, PEM or DER.
type Sign func(ctx context.Context, identity string, request []byte) ([]byte, error)

// RenewElsewhere renews those identities of the plan whose authority is not here
// and which are due, as RenewOptions.Due has it. Their keys stay, so that no
// handshake meets a certificate beside another one's key. Each is looked at as by
// Import, and one that fails keeps no other from being renewed.
func (p *PKI) RenewElsewhere(ctx context.Context, plan Plan, due time.Duration, sign Sign) (Report, error) {
	requests, err := p.dueElsewhere(ctx, plan, due)
	if err != nil {
		return Report{}, err
	}
	var all Report
	var errs []error
	for _, r := range requests {
		answer, err := sign(ctx, r.identity, r.csr)
		if err == nil {
			var one Report
			one, err = p.Import(ctx, ImportOptions{Certificates: [][]byte{answer}, Plan: plan})
			all.Changes = append(all.Changes, one.Changes...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.identity, err))
		}
	}
	return all, errors.Join(errs...)
}

type signingRequest struct {
	identity string
	csr      []byte
}

func (p *PKI) dueElsewhere(ctx context.Context, plan Plan, due time.Duration) ([]signingRequest, error) {
	if err := errors.Join(plan.Validate(), validateLifetime("due", due)); err != nil {
		return nil, err
	}
	var requests []signingRequest
	err := p.exclusive(ctx, func() error {
		s, err := p.observe()
		if err != nil {
			return err
		}
		for _, id := range plan.identities() {
			e := s.find(id.name)
			if e == nil || s.originOf(e) != brought || e.files.key == nil || e.files.certificate() == nil || !endsWithin(e.files.certificate(), p.now(), due) {
				continue
			}
			csr, err := id.csr(p, e.files.key)
			if err != nil {
				return err
			}
			requests = append(requests, signingRequest{id.name, csr})
		}
		return nil
	})
	return requests, err
}

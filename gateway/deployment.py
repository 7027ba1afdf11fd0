"""A new deployment: the folder that `icaro init` writes and an operator then edits.

The settings are text with comments, because a person reads them first. Never overwrites anything.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from gateway import shipped
from gateway.journal import Keyring

PARTS: Final = ("icaro.yaml", "partners.yaml", "mappings", "xsd", "keys")
"""What a deployment has from the beginning."""

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.py", "*.pyc", ".*")


def lay_out(folder: Path) -> None:
    """Write everything into `folder`, which has none of `PARTS` yet."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "certs").mkdir(mode=0o700, exist_ok=True)
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    Keyring.create(keys / "master.key", checkpoint_key=keys / "checkpoint.key")
    shutil.copytree(shipped.mappings(), folder / "mappings", ignore=_LEFT_OUT)
    shutil.copytree(shipped.xsd(), folder / "xsd", ignore=_LEFT_OUT)
    (folder / "icaro.yaml").write_text(_ICARO, encoding="utf-8")
    (folder / "partners.yaml").write_text(_PARTNERS, encoding="utf-8")


_ICARO: Final = """\
# Icaro Gateway: one deployment. After a change: icaro config check
# Every key is explained by `icaro config schema`; paths count from this folder.
# A variable of the environment stands over a key: ICARO_JOURNAL__URL over journal.url.

node: icaro-1                # this process, among those that share a journal

journal:
  url: sqlite:///icaro.db    # or postgresql://icaro@db/icaro
  # Without the master key nobody reads the journal again, nor its back-ups: keep a copy of the
  # folder keys elsewhere, apart from the copies of the journal.
  master_key: keys/master.key
  checkpoint_key: keys/checkpoint.key
  # key_ring: keys/back-up.ring  # the second lock of back-ups: copy it over the copy of before
  # checkpoints_file: /mnt/elsewhere/checkpoints   # where the journal's administrator cannot write

# The gateway's own certificates. For development: icaro certs init certs
certs:
  tls:  {certificate: certs/gateway/tls.pem, key: certs/gateway/tls.key}
  sign: {certificate: certs/gateway/sign.pem, key: certs/gateway/sign.key}

partners: partners.yaml      # the administrations
mappings: mappings
xsd: xsd
flow: nascita.flow.yaml      # under mappings

# Where hospitals' messages arrive, as HL7 over MLLP.
listeners:
  - name: reparto
    address: 127.0.0.1:2575
    # tls: {ca: certs/ospedale/ca.pem}     # then every sender needs certificate_names
    # limits: {block: 4 MiB, connections: 1000, connections_per_peer: 100, idle: 1 h}

# Who may speak, by MSH-3 and MSH-4, and what is always so of its birth centre.
senders:
  - name: ospedale
    application: HIS
    facility: OSPEDALE
    profile: default         # mappings/profiles/default.yaml
    facts:
      comune: '015146'       # ISTAT code of the comune of the birth centre
      struttura: '030001'
      nome: Ospedale di esempio
      asl: '321'
    # certificate_names: [his.ospedale.example]
    # return_feed: {address: 127.0.0.1:2576}   # the A31 with the codice fiscale goes there
unknown_senders: refuse      # or the name of a profile

http:
  address: 127.0.0.1:8080    # /health and /metrics

# Where administrations bring the answers that come later.
callbacks:
  address: 127.0.0.1:8443

# How long after its end a case keeps what; what is not said is kept for ever.
# retention: {bodies: 90 days, documents: 730 days, cases: 3650 days, rejects: 30 days}

delivery:
  concurrency: 8
  retry: {first: 5 s, factor: 2, ceiling: 30 min, jitter: 0.3, max_age: 9 days, max_attempts: 50}
"""

_PARTNERS: Final = """\
# The administrations: where they are and what they promise. Addresses come from here only.
#
# idempotence says what a partner does with a document that reaches it twice, and so how a
# doubt is resolved:
#   idempotent    the same operation id gets the same answer: it is sent again
#   can_be_asked  it tells whether it has an operation id: it is asked
#   neither       a person decides

comune:
  contract: comune/NotificaNascita.wsdl          # under xsd
  defaults:                                      # of every entry below
    ca: certs/comune/ca.pem
    idempotence: idempotent
    concurrency: 4
    rate: 10                                     # calls a second
    timeout: 30 s
    circuit: {failures: 5, pause: 30 s}
    # hours: {mon-fri: '08:00-14:00'}            # local time; without it, always
    # closed: [holidays, '12-07']                # never on these days
    production: false        # true: a message whose MSH-11 is T or D never goes there
    processing: TEST         # what its documents say of themselves
  entries:                                       # by ISTAT code
    '015146': {name: Comune di Milano, endpoint: 'https://127.0.0.1:9101/NotificaNascita'}
    # '015209': {name: Comune di Sesto San Giovanni, endpoint: 'https://…',
    #            assigns_codice_fiscale: true}   # its own system gets the codice fiscale

agenzia_entrate:
  contract: agenzia_entrate/CodiceFiscale.wsdl
  defaults:
    ca: certs/agenzia_entrate/ca.pem
    idempotence: can_be_asked
    production: false
    processing: TEST
  entries:
    AE: {name: Agenzia delle Entrate, endpoint: 'https://127.0.0.1:9102/CodiceFiscale'}

asl:
  contract: asl/AnagrafeAssistiti.wsdl
  defaults:
    ca: certs/asl/ca.pem
    idempotence: idempotent
    production: false
    processing: TEST
  entries:                                       # by the ASL's own code
    '321':
      name: ATS di esempio
      endpoint: https://127.0.0.1:9103/AnagrafeAssistiti
      serves: ['015']        # ISTAT codes: six digits a comune, three a province
"""

"""What the simulated administrations share: store, bad days, callbacks, control port.

Knows the contracts' shared words (`testataRichiesta`, `esito`, `errore`) and no single
administration; each partner's own rules are in its `simulator.py`.
"""

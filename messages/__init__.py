"""Everything Lockstep can be told, can be asked, and can say. Read this package first.

`values` what messages are made of · `facts` what the broker said · `commands` what an actor is asked to
do · `events` what happened and was decided (the journal) · `journal` the store's own conversation ·
`queries` questions and answers · `codec` the one way in and out of bytes.
"""

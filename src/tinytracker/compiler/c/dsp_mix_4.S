
    FUNCTION gm_dsp_mix_open_4
    MIX_OPEN 4
    END_FUNCTION gm_dsp_mix_open_4

    FUNCTION gm_dsp_mix_4
    MIX 4
    END_FUNCTION gm_dsp_mix_4
